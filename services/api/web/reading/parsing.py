"""Parses bytes and text into models. Pure: everything wrong is raised as a HttpProblem."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import unquote_plus, unquote_to_bytes

from pydantic import BaseModel, ValidationError

from services.api.web.problems import HttpProblem, InvalidValue, invalid
from shared.wording import message_of

Zones = frozenset[str]
# More than a body of the API's models needs; parsing more would hold up the event loop.
MAX_KEYS = 100
MAX_VALUES, MAX_NESTED = 20_000, 5_000
NO_TEXT = "has escapes that are not UTF-8"
ModelT = TypeVar("ModelT", bound=BaseModel)


class NotJson(Exception):
    """The bytes are not a JSON text that this API accepts. The message gives the reason."""


def parse_json(kind: type[ModelT], raw: bytes, zones: Zones) -> ModelT:
    """Parses a body. Raises NotJson, and pydantic's ValidationError for wrong values."""
    refuse_excess(raw)
    refuse_duplicate_keys(raw)
    try:
        return kind.model_validate_json(raw, context={"zones": zones})
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise NotJson("it cannot be read as JSON in UTF-8") from None
        raise


def parse_body(kind: type[ModelT], raw: bytes, zones: Zones) -> ModelT:
    try:
        return parse_json(kind, raw, zones)
    except NotJson as error:
        raise HttpProblem("malformed-body", f"The body is invalid: {error}.") from None
    except ValidationError as error:
        raise invalid(*field_errors(error, "body")) from None


def parse_query(kind: type[ModelT], pairs: Mapping[str, list[str]]) -> ModelT:
    """Parses query parameters, each of which may be given once."""
    twice = [name for name, values in pairs.items() if len(values) > 1]
    if twice:
        raise invalid(*(InvalidValue(("query", name), "must be given once") for name in twice))
    try:
        return kind.model_validate({name: values[0] for name, values in pairs.items()})
    except ValidationError as error:
        raise invalid(*field_errors(error, "query")) from None


def refuse_no_text(path: str, query: str) -> None:
    """Raises a 422 problem for escapes in a raw path or query that are no UTF-8: they would be read as they stand."""
    if not _is_text(path):
        raise invalid(InvalidValue(("path",), NO_TEXT))
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if not _is_text(name):
            raise invalid(InvalidValue(("query",), NO_TEXT))
        if not _is_text(value):
            raise invalid(InvalidValue(("query", unquote_plus(name)), NO_TEXT))


def _is_text(raw: str) -> bool:
    try:
        unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def field_errors(error: ValidationError, *place: str) -> list[InvalidValue]:
    return [
        InvalidValue((*place, *found["loc"]), message_of(found))
        for found in error.errors(include_url=False, include_input=False)
    ]


def refuse_excess(raw: bytes) -> None:
    """Raises NotJson if a body has more values, lists or objects than any model takes.

    They are counted by their signs, within texts too. To check a list or an object takes as long as five numbers. So
    a body holds the event loop for some 20 ms at most.
    """
    if raw.count(b",") > MAX_VALUES:
        raise NotJson(f"it has more than {MAX_VALUES:,} values")
    if raw.count(b"[") + raw.count(b"{") > MAX_NESTED:
        raise NotJson(f"it has more than {MAX_NESTED:,} lists and objects")


def refuse_duplicate_keys(raw: bytes) -> None:
    """Raises NotJson if an object has the same key twice, since parsers disagree which one counts, or over MAX_KEYS."""
    try:
        json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_int=str, parse_constant=_refuse_constant)
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise NotJson("it is not UTF-8") from None
    except ValueError:
        raise NotJson("it cannot be read as JSON in UTF-8") from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    """Checks the keys only: pydantic parses the values."""
    if len(pairs) > MAX_KEYS:
        raise NotJson(f"an object has more than {MAX_KEYS} keys")
    if len({key for key, _ in pairs}) != len(pairs):
        raise NotJson("an object has the same key twice")


def _refuse_constant(name: str) -> None:
    raise NotJson(f"{name} is not JSON")
