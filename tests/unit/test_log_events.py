"""Every event that is logged is static, and in the table of docs/logs.md with its fields."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
# Added by the renderer of exceptions, not by the caller.
RENDERED = {"exc_info": "exception"}
# `| event | level | fields | meaning |`
ROW = re.compile(r"^\| `([^`]+)` \| ([a-z, ]+) \|([^|]*)\| [^|]+ \|$", re.MULTILINE)


@dataclass
class Logged:
    fields: set[str] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)


def calls_of(path: Path) -> Iterator[tuple[ast.Call, set[str]]]:
    """Finds the calls that write a line, each with its levels."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.Call) and (levels := levels_of(function.func)):
            yield function, levels


def levels_of(function: ast.expr) -> set[str]:
    match function:
        case ast.Attribute(attr=level, value=ast.Name(id="log")) if level in LEVELS:
            return {level}
        case ast.Attribute(attr=level, value=ast.Call(func=ast.Attribute(attr="get", value=ast.Name(id="logs")))):
            return {level} & LEVELS
        case ast.Name(id="write_line"):
            # A level that is chosen: `write_line = log.error if ... else log.warning`.
            return {"chosen"}
        case _:
            return set()


def events() -> dict[str, Logged]:
    found: dict[str, Logged] = defaultdict(Logged)
    for folder in ("services", "shared", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for call, levels in calls_of(path):
                place = f"{path.relative_to(ROOT)}:{call.lineno}"
                name = call.args[0] if call.args else None
                assert isinstance(name, ast.Constant), f"{place}: the event's name is not static"
                logged = found[str(name.value)]
                logged.fields |= {RENDERED.get(word.arg, word.arg) for word in call.keywords if word.arg}
                logged.levels |= levels
                logged.places.add(place)
    return found


EVENTS = events()
TABLE = {
    name: (set(levels.split(", ")), set(re.findall(r"`([a-z_]+)`", fields)))
    for name, levels, fields in ROW.findall((ROOT / "docs" / "logs.md").read_text(encoding="utf-8"))
}


def test_there_are_events_to_look_at() -> None:
    assert len(EVENTS) > 50


def test_the_table_has_exactly_the_events_that_are_logged() -> None:
    assert set(TABLE) == set(EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_the_table_names_the_level_and_the_fields(name: str) -> None:
    levels, fields = TABLE[name]
    assert EVENTS[name].levels - {"chosen"} <= levels
    assert EVENTS[name].fields <= fields, EVENTS[name].places


def test_no_event_has_the_name_of_another_field() -> None:
    """A line has one `event`, `level`, `time` and `service`, which no field may take the place of."""
    assert {name for name, logged in EVENTS.items() if logged.fields & {"event", "level", "time", "service"}} == set()
