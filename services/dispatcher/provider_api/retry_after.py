"""Reads the Retry-After header of a reply. Pure."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# Longer is nonsense: it would put a message off beyond its mailing's end for a slip of the provider.
LONGEST_RETRY_AFTER = timedelta(days=7)


def read_retry_after(value: str | None, date: str | None) -> timedelta | None:
    """Reads Retry-After, in seconds or as a date, which is measured against the reply's own Date.

    None when it is unreadable or longer than a week. A date that has passed is zero.
    """
    text = (value or "").strip()
    if re.fullmatch(r"\d{1,100}", text, re.ASCII):
        seconds = int(text)
        return timedelta(seconds=seconds) if seconds <= LONGEST_RETRY_AFTER.total_seconds() else None
    until, sent = _moment(text), _moment(date or "")
    if until is None or sent is None:
        return None
    delay = max(until - sent, timedelta(0))
    return delay if delay <= LONGEST_RETRY_AFTER else None


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
