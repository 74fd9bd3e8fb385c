"""The whole system on this machine: what `herald up` and `herald demo` run."""
