"""Is sending steady? Far services, a failing provider, many small mailings, and edits beside a frozen dispatcher."""
