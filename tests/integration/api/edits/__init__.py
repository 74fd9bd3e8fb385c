"""The barrier that edits pass."""
