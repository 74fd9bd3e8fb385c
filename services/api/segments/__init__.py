"""Filters that are trees of conditions, and segments: such filters, saved under a name."""
