"""How the commands reach the API, the database and the broker."""
