"""Refuses conditions on attributes that no client can meet as they are meant. Pure.

Filters that an earlier version stored may have such values: so the planner, which reads those, does not ask for this.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.audience.dates import is_impossible_date
from shared.audience.reading import DATE_MISSING, GROUPS, Path, WrongFilter


def check_values(tree: Mapping[str, Any]) -> None:
    """Raises WrongFilter for a list of values of several types, and for a date that does not exist.

    `tree` is one that can be read.
    """
    for values in _compared(tree, ()):
        first = _type(next(iter(values.values())))
        for path, value in values.items():
            if _type(value) != first:
                raise WrongFilter(path, f"must be {first}, as the first of the list is")
            if isinstance(value, str) and is_impossible_date(value):
                raise WrongFilter(path, DATE_MISSING)


def _compared(node: Mapping[str, Any], path: Path) -> Iterator[dict[Path, Any]]:
    """Yields the values of each condition that compares an attribute for equality, by their places."""
    for kind in GROUPS:
        for place, below in enumerate(node.get(kind, ())):
            yield from _compared(below, (*path, kind, place))
    if node.get("field") == "attribute" and node["op"] in ("eq", "ne", "in"):
        where, value = (*path, "value"), node["value"]
        yield {(*where, number): one for number, one in enumerate(value)} if node["op"] == "in" else {where: value}


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a string" if isinstance(value, str) else "a number"
