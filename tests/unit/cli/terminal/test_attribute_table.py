"""One mailing or client at the terminal: whatever it holds, each attribute is a row."""

from typing import Any

import pytest
from rich.console import Console

from cli.terminal.tables import attribute_table

TREE = [
    {"field": "tag", "op": "eq", "value": "vip"},
    {"not": [{"field": "city", "op": "in", "value": ["Омск", "Томск"]}]},
]


def shown(found: dict[str, Any]) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(attribute_table(found))
    return captured.get()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (TREE, '[{"field":"tag","op":"eq","value":"vip"},{"not":[{"field":"city"'),
        ([], ""),
        (["mon", "tue"], "mon, tue"),
        ({"any": TREE}, '[{"field":"tag"'),
        (True, "yes"),
        (12.5, "12.5"),
        ("Омск", "Омск"),
    ],
)
def test_a_value_of_any_kind_is_shown(value: object, words: str) -> None:
    for found in ({"id": 1, "value": value}, {"id": 1, "outer": {"value": value}}):
        assert words in shown(found)
    assert "Омск" in shown({"filter": {"all": TREE}})


def test_what_is_not_set_within_another_has_no_row() -> None:
    assert "filter.any" not in shown({"filter": {"all": TREE, "any": None}})
