"""The hop of receipts: what became of messages that a provider took."""
