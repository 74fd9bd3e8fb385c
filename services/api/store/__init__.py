"""Every SQL statement of the API, one typed function each."""
