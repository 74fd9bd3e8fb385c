"""Reads a tree of conditions from JSON. Pure.

{"all": [{"field": "tag", "op": "eq", "value": "vip"}, {"not": [{"field": "message", "mailing": 12}]}]}
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from shared.audience.conditions import (
    AttributeCompares,
    AttributeContains,
    AttributeExists,
    AttributeIs,
    Comparison,
    Created,
    GotMessage,
    Group,
    HasTag,
    Node,
    NoMessageWithin,
    OneOf,
    Scalar,
    negate,
)
from shared.audience.dates import is_date, is_impossible_date
from shared.statuses import MESSAGE_STATUSES, MessageStatus
from shared.texts.labels import clean, compose
from shared.texts.moments import read_moment

MAX_DEPTH, MAX_NODES, MAX_VALUES, MAX_TEXT = 5, 50, 1000, 256
LARGEST = 2**53
LONGEST = timedelta(days=3660)
GROUPS = ("all", "any", "not")
ATTRIBUTE_NAME = r"^[a-z][a-z0-9_]{0,31}$"

Path = tuple[str | int, ...]

_NAME, _CODE = re.compile(ATTRIBUTE_NAME), re.compile(r"[0-9]{3}", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
DATE_MISSING = "must be a date that exists"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class WrongFilter(Exception):
    """A filter cannot be read. `path` leads to the place, and the message never quotes a value."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def read_tree(raw: Mapping[str, Any]) -> Group:
    """Reads a group and all below it. Raises WrongFilter."""
    reader = _Reader()
    found = reader.node(raw, (), 1)
    if not isinstance(found, Group):
        raise WrongFilter((), "must be all, any or not with a list of conditions")
    return found


class _Reader:
    """A reader of one tree, which counts the nodes below its root: people count what they write into it."""

    def __init__(self) -> None:
        self._nodes = 0

    def node(self, raw: object, path: Path, depth: int) -> Node:
        if not isinstance(raw, Mapping):
            raise WrongFilter(path, "must be an object")
        self._nodes += depth > 1
        if self._nodes > MAX_NODES:
            raise WrongFilter(
                path,
                f"is one too many: a filter has at most {MAX_NODES} conditions and groups, and the outermost group "
                "besides",
            )
        kinds = [kind for kind in GROUPS if kind in raw]
        if not kinds:
            return _condition(raw, path)
        if len(raw) > 1:
            raise WrongFilter(path, "must have one of all, any and not, and nothing beside it")
        return self._group(kinds[0], raw[kinds[0]], path, depth)

    def _group(self, kind: str, nodes: object, path: Path, depth: int) -> Group:
        if depth > MAX_DEPTH:
            raise WrongFilter(path, f"is nested too deeply: at most {MAX_DEPTH} levels are allowed")
        if not isinstance(nodes, list) or not nodes:
            raise WrongFilter((*path, kind), "must be a list with at least one condition")
        below = tuple(self.node(one, (*path, kind, place), depth + 1) for place, one in enumerate(nodes))
        return Group(cast(Any, kind), below)


def _condition(raw: Mapping[str, Any], path: Path) -> Node:
    name = raw.get("field")
    read = _FIELDS.get(name) if isinstance(name, str) else None
    if read is None:
        raise WrongFilter((*path, "field"), f"must be one of {', '.join(map(repr, _FIELDS))}")
    taken, reader = read
    for key in raw:
        if key not in ("field", *taken):
            raise WrongFilter((*path, key), "is unknown")
    return reader(raw, path)


def _one_of(raw: Mapping[str, Any], path: Path) -> Node:
    field, op = raw["field"], _op(raw, path, ("eq", "ne", "in", "exists") if raw["field"] == "tag" else _PLAIN)
    if op == "exists":
        return _exists(HasTag(), raw, path)
    found = OneOf(field, tuple(_word(field, value, place) for value, place in _values(raw, path, op)))
    return negate(found) if op == "ne" else found


def _word(field: str, value: object, path: Path) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise WrongFilter(path, "must be a string")
    if field == "operator_code" and _CODE.fullmatch(value) is None:
        raise WrongFilter(path, "must be three digits, such as 916")
    word = clean(_storable(value, path))
    # An empty tag means clients without tags. A blank one is a slip, and must not select all of these.
    if value and not word:
        raise WrongFilter(path, "must have at least one visible character")
    return word


def _attribute(raw: Mapping[str, Any], path: Path) -> Node:
    name = raw.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise WrongFilter((*path, "name"), "must be the name of an attribute, such as city")
    op = _op(raw, path, (*_PLAIN, *_COMPARISONS, "contains", "exists"))
    if op == "exists":
        return _exists(AttributeExists(name), raw, path)
    if op in _COMPARISONS:
        return AttributeCompares(name, cast(Comparison, op), _ordered(raw.get("value"), (*path, "value")))
    if op == "contains":
        return AttributeContains(name, compose(_text(raw.get("value"), (*path, "value"))))
    found = AttributeIs(name, tuple(_scalar(value, place) for value, place in _values(raw, path, op)))
    return negate(found) if op == "ne" else found


def _created(raw: Mapping[str, Any], path: Path) -> Node:
    op, value = _op(raw, path, ("before", "after")), raw.get("value")
    try:
        return Created(cast(Any, op), read_moment(value))
    except ValueError:
        raise WrongFilter((*path, "value"), "must be an ISO 8601 date-time with an offset, as a string") from None


def _message(raw: Mapping[str, Any], path: Path) -> Node:
    mailing, statuses = raw.get("mailing"), raw.get("status", list(MESSAGE_STATUSES))
    if type(mailing) is not int or not 1 <= mailing <= 2**63 - 1:
        raise WrongFilter((*path, "mailing"), "must be the id of a mailing")
    if not isinstance(statuses, list) or not statuses or len(statuses) > len(MESSAGE_STATUSES):
        raise WrongFilter((*path, "status"), "must be a list of statuses")
    for place, status in enumerate(statuses):
        if status not in MESSAGE_STATUSES:
            raise WrongFilter((*path, "status", place), f"must be one of {', '.join(map(repr, MESSAGE_STATUSES))}")
    return GotMessage(mailing, tuple(cast(list[MessageStatus], statuses)))


def _no_message(raw: Mapping[str, Any], path: Path) -> Node:
    value = raw.get("value")
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    duration = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < duration <= LONGEST:
        raise WrongFilter((*path, "value"), "must be a duration such as 30m, 12h or 7d, of at most ten years")
    return NoMessageWithin(duration)


def _op(raw: Mapping[str, Any], path: Path, allowed: tuple[str, ...]) -> str:
    op = raw.get("op")
    if op not in allowed:
        raise WrongFilter((*path, "op"), f"must be one of {', '.join(map(repr, allowed))}")
    return cast(str, op)


def _exists(node: Node, raw: Mapping[str, Any], path: Path) -> Node:
    wanted = raw.get("value", True)
    if not isinstance(wanted, bool):
        raise WrongFilter((*path, "value"), "must be true or false")
    return node if wanted else negate(node)


def _values(raw: Mapping[str, Any], path: Path, op: str) -> list[tuple[object, Path]]:
    """Returns the values that a condition compares with, each with its place."""
    place = (*path, "value")
    if op != "in":
        return [(raw.get("value"), place)]
    given = raw.get("value")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_VALUES:
        raise WrongFilter(place, f"must be a list of 1 to {MAX_VALUES:,} values")
    return [(value, (*place, number)) for number, value in enumerate(given)]


def _scalar(value: object, path: Path) -> Scalar:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        # Values are stored like this, too.
        return clean(_text(value, path))
    if isinstance(value, int | float):
        return _number(value, path)
    raise WrongFilter(path, "must be a string, a number, true or false")


def _ordered(value: object, path: Path) -> float | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(_number(value, path))
    if isinstance(value, str) and is_date(value):
        return value
    wrong = isinstance(value, str) and is_impossible_date(value)
    raise WrongFilter(path, DATE_MISSING if wrong else "must be a number or a date such as 2026-11-27")


def _number(value: float, path: Path) -> float:
    # Not so of NaN either. math.isfinite refuses a whole number that no float can hold.
    if not abs(value) <= LARGEST:
        raise WrongFilter(path, f"must be a number between -{LARGEST} and {LARGEST}")
    return value


def _text(value: object, path: Path) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT:
        raise WrongFilter(path, f"must be a string of 1 to {MAX_TEXT} characters")
    return _storable(value, path)


def _storable(value: str, path: Path) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise WrongFilter(path, "must not contain control characters")
    return value


_PLAIN = ("eq", "ne", "in")
_COMPARISONS = ("lt", "le", "gt", "ge")
# The keys beside `field` that a condition on each field takes, and what reads it.
_FIELDS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any], Path], Node]]] = {
    "operator_code": (("op", "value"), _one_of),
    "tag": (("op", "value"), _one_of),
    "timezone": (("op", "value"), _one_of),
    "attribute": (("name", "op", "value"), _attribute),
    "created": (("op", "value"), _created),
    "message": (("mailing", "status"), _message),
    "no_message_within": (("value",), _no_message),
}
