"""The types of fields in bodies and queries, each with its rule."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

from shared.texts.labels import clean
from shared.texts.moments import read_moment

# The most tags that a client may have.
MAX_TAGS = 32
LINE_BREAKS = frozenset("\r\n")
# Letters and symbols of Unicode that show as nothing.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# The same rules as patterns, for the API's document. A pattern cannot exclude lone surrogates.
PRINTABLE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_LINES_PATTERN = r"^([^\x00-\x1f\x7f-\x9f]|[\r\n])*$"
VISIBLE_PATTERN = r"[^\s\u00ad\u115f\u1160\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]"
_TO_THE_MINUTE = (
    r"^(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]"
)
_SECONDS = r":[0-5][0-9](\.[0-9]{1,9})?"
_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
_SHORT_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)$"


# Marks a field for the API's document, which then names no default; see openapi/schemas.py.
LEFT_OUT = "x-left-out"


def left_out(stand_in: Any, description: str | None = None, *, alias: str | None = None) -> Any:
    """Declares a field that may be left out. `stand_in` only keeps its type: callers cannot rely on it as a default."""
    if isinstance(stand_in, list | dict):
        # pydantic would copy it deeply for each body, which takes longer than all the rest.
        made = stand_in.copy
        return Field(default_factory=made, description=description, alias=alias, json_schema_extra={LEFT_OUT: True})
    return Field(default=stand_in, description=description, alias=alias, json_schema_extra={LEFT_OUT: True})


def printable(text: str, allowed: frozenset[str] = frozenset()) -> str:
    # Cc are the control characters, NUL among them; Cs are lone surrogates, which UTF-8 cannot carry.
    if not text.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} and c not in allowed for c in text):
        raise ValueError("must not contain control characters")
    return text


def _printable_lines(text: str) -> str:
    return printable(text, LINE_BREAKS)


def label(most: int) -> AfterValidator:
    """Cleans a label. Composing letters can make it longer, so its length counts afterwards, too."""

    def cleaned(text: str) -> str:
        text = clean(printable(text))
        if len(text) > most:
            raise ValueError(f"must have at most {most} characters")
        return text

    return AfterValidator(cleaned)


def _is_invisible(character: str) -> bool:
    return character in _FILLERS or unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def visible(text: str) -> str:
    if all(_is_invisible(character) or unicodedata.category(character)[0] == "M" for character in text):
        raise ValueError("must have at least one visible character")
    return text


def _visible_or_empty(text: str) -> str:
    return visible(text) if text else text


def _distinct(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


def _known_zone(zone: str, info: ValidationInfo) -> str:
    context: Any = info.context
    if zone not in context["zones"]:
        raise ValueError("must be an IANA time zone, such as Europe/Moscow")
    return zone


Phone = Annotated[
    str,
    Field(
        pattern=r"^7[0-9]{10}$",
        description="A phone number: 7 and ten more digits, without a plus sign.",
        examples=["79161234567"],
    ),
]
OperatorCode = Annotated[
    str, Field(pattern=r"^[0-9]{3}$", description="The code of a mobile operator: three digits.", examples=["916"])
]
Tag = Annotated[
    str,
    Field(
        max_length=64,
        description="A label of your choice, without control characters. Empty means no label. Blanks at its ends are "
        "dropped, and what shows as nothing.",
        examples=["vip"],
        json_schema_extra={"pattern": PRINTABLE_PATTERN, "allOf": [{"pattern": f"^$|{VISIBLE_PATTERN}"}]},
    ),
    # Empty means something, above all in a filter: clients without tags. A blank one is a slip.
    AfterValidator(_visible_or_empty),
    label(64),
]
MailingName = Annotated[
    str,
    Field(
        max_length=120,
        description="A name for people, without control characters. Empty means none. Blanks at its ends are dropped, "
        "and what shows as nothing.",
        examples=["Orders of January"],
        json_schema_extra={"pattern": PRINTABLE_PATTERN},
    ),
    label(120),
]
Tags = Annotated[
    list[Annotated[Tag, Field(min_length=1), AfterValidator(visible)]],
    Field(max_length=MAX_TAGS, description="Labels of your choice, each once. The first is also `tag`."),
    AfterValidator(_distinct),
]
ExternalId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="The id of the client in another system, such as a contract number: up to 64 characters, without "
        "control characters. No two clients have the same.",
        examples=["K-4711"],
        json_schema_extra={"pattern": PRINTABLE_PATTERN, "allOf": [{"pattern": VISIBLE_PATTERN}]},
    ),
    label(64),
    AfterValidator(visible),
]
Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="The text of the message, with at least one visible character. Line breaks are allowed, other "
        "control characters are not.",
        examples=["Your order is ready."],
        json_schema_extra={"pattern": _LINES_PATTERN, "allOf": [{"pattern": VISIBLE_PATTERN}]},
    ),
    AfterValidator(_printable_lines),
    AfterValidator(visible),
]
# Validated with the context {"zones": names}; see clients/zones.py.
Zone = Annotated[
    str,
    Field(
        max_length=64,
        description="An IANA time zone that the installation's time zone database knows.",
        examples=["Europe/Moscow"],
        json_schema_extra={"format": "iana-time-zone", "minLength": 1},
    ),
    AfterValidator(_known_zone),
]
# The format date-time means RFC 3339, which requires seconds and an offset of hours and minutes; ISO 8601 does not.
_IN_SHORT = rf"{_TO_THE_MINUTE}({_SECONDS})?{_SHORT_OFFSET}"
_MOMENT_SCHEMA = WithJsonSchema(
    {
        "description": "An ISO 8601 date-time with an offset, between the years 1970 and 9998 in UTC.",
        "anyOf": [
            {"type": "string", "format": "date-time", "pattern": _TO_THE_MINUTE + _SECONDS + _OFFSET},
            {"type": "string", "format": "date-time-in-short", "pattern": _IN_SHORT},
        ],
        "examples": ["2035-01-31T18:00:00+03:00"],
    }
)
Moment = Annotated[datetime, PlainValidator(read_moment), _MOMENT_SCHEMA]
# None stands for a date-time that was left out; a null in the body is as wrong as any other value.
OptionalMoment = Annotated[datetime | None, PlainValidator(read_moment), _MOMENT_SCHEMA]
ClockTime = Annotated[
    str,
    Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="A time of day, HH:MM, in the client's time zone.",
        examples=["09:00"],
    ),
]
