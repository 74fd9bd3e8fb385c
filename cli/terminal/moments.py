"""Parses moments and durations as people type them: +2h, tomorrow 09:00, 2030-01-31 18:00. Pure.

See docs/decisions/0091-moments-of-the-command-line.md for why no library does it.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

EXAMPLES = "+2h, today 21:00, tomorrow 09:00, or 2030-01-31T18:00:00+03:00"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PART = r"(\d{1,6})\s*(m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)"
_DURATION = re.compile(rf"\+?\s*{_PART}(?:\s*{_PART})?(?:\s*{_PART})?", re.ASCII)
_DAY = re.compile(r"(today|tomorrow)(?:\s+(?:at\s+)?(\d{1,2}:\d{2}))?|(\d{1,2}:\d{2})", re.ASCII)
# Python reads more, such as weeks, and an offset of 60 minutes.
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?[0-5]\d)?)?)?", re.ASCII)
# Longer ones are typing errors, and would leave the range of dates.
_LONGEST = timedelta(days=366 * 100)


def read_duration(text: str) -> timedelta:
    """Parses "30m", "12h", "+2h", "30d", "8w" or "1h 30m". Raises ValueError, also for zero."""
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is not a duration such as 30m, 12h, 30d or 8w")
    groups = found.groups()
    total = timedelta()
    for number, unit in zip(groups[::2], groups[1::2], strict=True):
        if number is not None:
            total += timedelta(**{_UNITS[unit[0]]: int(number)})
    if not timedelta() < total <= _LONGEST:
        raise ValueError(f"{text!r} is not a duration from a minute to a hundred years")
    return total


def read_moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Parses a moment. `zone` is that of days and times without an offset, by default that of this machine.

    Raises ValueError, whose message names the forms.
    """
    plain = text.strip().lower()
    if plain == "now":
        return now
    if plain.startswith(("+", "in ")):
        return now + read_duration(plain.removeprefix("in "))
    found = _DAY.fullmatch(plain)
    if found is not None:
        return _on_day(found, text, now.astimezone(zone), zone)
    try:
        moment = datetime.fromisoformat(plain.upper() if _ISO.fullmatch(plain.upper()) else "")
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as {EXAMPLES}") from None
    if moment.tzinfo is None and len(plain) <= len("2030-01-31"):
        raise ValueError(f"{text!r} has no time of day: add one, such as {text.strip()} 18:00")
    return moment if moment.tzinfo is not None else _in_zone(moment, zone)


def _on_day(found: "re.Match[str]", text: str, now: datetime, zone: tzinfo | None) -> datetime:
    day, clock = found[1] or "today", found[2] or found[3]
    if clock is None:
        raise ValueError(f"{text!r} has no time of day: add one, such as {day} 18:00")
    try:
        at = time.fromisoformat(clock.zfill(len("00:00")))
    except ValueError:
        raise ValueError(f"{text!r}: {clock} is not a time of day from 00:00 to 23:59") from None
    on: date = now.date() + timedelta(days=1 if day == "tomorrow" else 0)
    return _in_zone(datetime.combine(on, at), zone)


def _in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    # Without a zone, astimezone takes the moment as one of this machine, with the offset that holds on that day.
    return moment.astimezone() if zone is None else moment.replace(tzinfo=zone)


def to_api(moment: datetime) -> str:
    """Formats a moment as the API takes it."""
    return moment.astimezone(UTC).isoformat()
