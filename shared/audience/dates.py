"""Dates of attributes: strings YYYY-MM-DD. Pure."""

import re
from datetime import date

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# Other numbers in this shape, such as that of a contract, are texts.
_CENTURIES = ("19", "20")


def is_date(text: str) -> bool:
    """Returns whether a string is written as a date, and that day exists."""
    return _DATE.fullmatch(text) is not None and _exists(text)


def is_impossible_date(text: str) -> bool:
    """Returns whether a string is written as a date of the years 1900 to 2099, and no such day exists."""
    return text.startswith(_CENTURIES) and _DATE.fullmatch(text) is not None and not _exists(text)


def _exists(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
