"""Parses moments as the API takes them. Pure."""

import re
from datetime import UTC, datetime

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(?P<offset>[Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?",
    re.ASCII,
)


def read_moment(value: object) -> datetime:
    """Parses an ISO 8601 date-time with an offset, and returns it in UTC. Raises ValueError for anything else."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be an ISO 8601 date-time, as a string")
    if found["offset"] is None:
        raise ValueError("must have an offset, such as Z, +03:00 or +0300")
    try:
        moment = datetime.fromisoformat(found[0].upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a date-time that exists") from error
    # PostgreSQL stores the last moment of the year 9999 as infinity.
    if not 1970 <= moment.year <= 9998:
        raise ValueError("must be between the years 1970 and 9998")
    return moment
