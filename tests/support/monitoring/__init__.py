"""Prometheus and promtool for the tests, and the table of documented metrics."""
