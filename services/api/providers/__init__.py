"""The providers: what the dispatchers say of them, and what an admin has them do."""
