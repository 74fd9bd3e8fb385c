"""Claims until their request begins: the lease, the edits heard, the names, and what is given back."""
