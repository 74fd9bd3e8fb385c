"""What the API tells of each request: a line of its log, and a span of its trace."""
