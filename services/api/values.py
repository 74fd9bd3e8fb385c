"""The values that bodies and queries are made of, each with its rule."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
LINE_BREAKS = frozenset("\r\n")


def _printable(text: str, allowed: frozenset[str] = frozenset()) -> str:
    # Cc are the control characters, NUL among them; Cs are lone surrogates, which UTF-8 cannot carry.
    if not text.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} and c not in allowed for c in text):
        raise ValueError("must not hold control characters")
    return text


def _printable_lines(text: str) -> str:
    return _printable(text, LINE_BREAKS)


def read_moment(value: object) -> datetime:
    """Read an ISO 8601 moment with an offset, and give it in UTC. Raises ValueError for anything else."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be an ISO 8601 moment, as a string")
    if found["offset"] is None:
        raise ValueError("must have an offset, such as Z or +03:00")
    try:
        moment = datetime.fromisoformat(found[0].upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a moment that exists") from error
    # The database reads the last moment of the year 9999 as infinity.
    if not 1970 <= moment.year <= 9998:
        raise ValueError("must lie between the years 1970 and 9998")
    return moment


def _known_zone(zone: str, info: ValidationInfo) -> str:
    context: Any = info.context
    if zone not in context["zones"]:
        raise ValueError("must be an IANA time zone, such as Europe/Moscow")
    return zone


Phone = Annotated[str, Field(pattern=r"^7[0-9]{10}$")]
OperatorCode = Annotated[str, Field(pattern=r"^[0-9]{3}$")]
Tag = Annotated[str, Field(max_length=64), AfterValidator(_printable)]
Text = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_printable_lines)]
# Validated with the context {"zones": names}; see zones.py.
Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
_MOMENT_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time"})
Moment = Annotated[datetime, PlainValidator(read_moment), _MOMENT_SCHEMA]
# None stands for a moment left out; a null in the body is wrong like any other value.
OptionalMoment = Annotated[datetime | None, PlainValidator(read_moment), _MOMENT_SCHEMA]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
