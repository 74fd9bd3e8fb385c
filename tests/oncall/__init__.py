"""Faults played against a real Prometheus with the alert rules: `make oncall`."""
