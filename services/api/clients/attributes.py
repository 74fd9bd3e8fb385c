"""Attributes of a client: a small JSON object of the operator's own, for personal texts and filters. Pure."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from services.api.web.field_types import PRINTABLE_PATTERN, printable, visible
from shared.audience.dates import is_impossible_date
from shared.texts.labels import clean

# The value of an attribute. A date is a string YYYY-MM-DD.
AttributeValue = str | int | float | bool
Attributes = dict[str, AttributeValue]
# With null for those that are to be removed.
AttributesPatch = dict[str, AttributeValue | None]

MAX_ATTRIBUTES = 32
# Of the object as compact JSON in UTF-8.
MAX_BYTES = 4096
KEY_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"
# Beyond it, numbers lose digits in other programs.
LARGEST = 2**53
_KEY = re.compile(KEY_PATTERN)


def read_patch(given: object) -> AttributesPatch:
    """Validates a merge patch of attributes, in which null removes one. Raises ValueError, without the values."""
    if not isinstance(given, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - pydantic reports it
    read = {_read_name(name): _read_value(name, value) for name, value in given.items()}
    check_size(read)
    return read


def check_size(attributes: Mapping[str, object]) -> None:
    """Raises ValueError unless a client may have so many attributes, and such long ones."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise ValueError(f"must have at most {MAX_ATTRIBUTES} attributes")
    if len(orjson.dumps(attributes)) > MAX_BYTES:
        raise ValueError(f"must have at most {MAX_BYTES:,} bytes, as JSON")


def merge(before: Attributes, patch: AttributesPatch) -> Attributes:
    """Merges a patch. Raises ValueError if that makes too many attributes, or too long ones."""
    merged = {name: value for name, value in {**before, **patch}.items() if value is not None}
    check_size(merged)
    return merged


def _read_name(name: object) -> str:
    if not isinstance(name, str) or _KEY.fullmatch(name) is None:
        raise ValueError(
            "the name of an attribute must begin with a letter from a to z, and have up to 32 of a to z, 0 to 9 and _"
        )
    return name


def _read_value(name: str, value: object) -> AttributeValue | None:
    match value:
        case None | bool():
            return value
        # False of NaN as well. math.isfinite refuses a whole number that no float can hold.
        case int() | float() if abs(value) <= LARGEST:
            return value
        case int() | float():
            raise ValueError(f"{name}: must be a number between -{LARGEST} and {LARGEST}")
        case str():
            return _read_text(name, value)
    raise ValueError(f"{name}: must be a string, a number, true, false or a date such as 2026-11-27")


def _read_text(name: str, value: str) -> str:
    try:
        read = visible(clean(printable(value)))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if is_impossible_date(read):
        # Taken for a text, it would match no filter on dates, and nobody would know why.
        raise ValueError(f"{name}: must be a date that exists")
    return read


def _schema(values: list[str], description: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "object",
            "description": description,
            "propertyNames": {"pattern": KEY_PATTERN},
            "additionalProperties": {
                "type": values,
                "minLength": 1,
                "pattern": PRINTABLE_PATTERN,
                "minimum": -LARGEST,
                "maximum": LARGEST,
            },
            "maxProperties": MAX_ATTRIBUTES,
            "examples": [{"name": "Anna", "contract": "K-4711", "since": "2024-03-01", "points": 120}],
        }
    )


_WHAT = (
    "Values of your own, for personal texts and filters: up to 32 strings, numbers, truths or dates (YYYY-MM-DD), "
    "4,096 bytes in all."
)
AttributesNew = Annotated[
    AttributesPatch,
    PlainValidator(read_patch),
    _schema(["string", "number", "boolean", "null"], f"{_WHAT} Null is as if the name were left out."),
]
AttributesChange = Annotated[
    AttributesPatch,
    PlainValidator(read_patch),
    _schema(
        ["string", "number", "boolean", "null"], f"{_WHAT} They are merged with those there are; null removes one."
    ),
]


def _decoded(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


AttributesShown = Annotated[
    dict[str, Any],
    BeforeValidator(_decoded),
    _schema(["string", "number", "boolean"], "Values of the operator's own, for personal texts and filters."),
]
