"""Words for numbers and moments, as people read them. Pure."""

from datetime import datetime


def count(number: int, noun: str, nouns: str | None = None) -> str:
    """Formats a number with its noun: "1 message", "2,000 messages"."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def utc_moment(text: str) -> str:
    """Formats a moment of the API to the second: "2030-01-31 15:00:00Z"."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%SZ")


def utc_minute(text: str) -> str:
    """Formats a moment of the API to the minute, for columns: "2030-01-31 15:00Z"."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%MZ")
