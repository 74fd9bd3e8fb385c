"""Filters of clients as trees of conditions: read from JSON, and compiled to SQL for previews and expansion."""
