"""Makes one timeline of what the logs and the database know about a mailing, a message or a client."""
