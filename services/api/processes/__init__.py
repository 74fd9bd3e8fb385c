"""The processes that run: what they are, and their limits."""
