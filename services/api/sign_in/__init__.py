"""Signs people in by OpenID Connect, and keeps their sessions."""
