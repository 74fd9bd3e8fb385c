"""Reads the durations and the rates of the providers file. Pure."""

import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_RATE = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)/(s|m|h)", re.ASCII)


def is_duration(text: str) -> bool:
    """Says whether a text is a duration: "10s", "500ms", "24h"."""
    return _DURATION.fullmatch(text) is not None


def read_duration(value: object) -> timedelta:
    """Reads a duration. Raises ValueError for anything else than a number and its unit, and for zero."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError("is not a duration like 500ms, 10s, 5m, 24h or 3d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def read_rate(value: object) -> float:
    """Reads a rate, as messages or segments a second. Raises ValueError."""
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or float(found[1]) == 0:
        raise ValueError("is not a rate like 50/s or 600/m")
    return float(found[1]) / _UNITS[found[2]]
