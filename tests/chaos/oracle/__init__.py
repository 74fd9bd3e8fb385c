"""The test oracle: which promises a finished experiment kept, judged from the database and the provider's ledger."""
