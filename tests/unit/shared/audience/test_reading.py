"""Trees of conditions: what they may say, and where a wrong one is wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.audience.conditions import AttributeCompares, AttributeIs, GotMessage, Group, NoMessageWithin, OneOf
from shared.audience.reading import MAX_NODES, WrongFilter, read_tree
from shared.audience.sql import compile_filter
from shared.audience.value_types import check_values

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def a_condition(**keys: Any) -> dict[str, Any]:
    return {"field": "tag", "op": "eq", "value": "vip", **keys}


def an_attribute(op: str, value: object) -> dict[str, Any]:
    return {"field": "attribute", "name": "city", "op": op, "value": value}


def test_a_tree_is_read_with_its_groups() -> None:
    tree = read_tree(
        {
            "all": [
                a_condition(),
                {"any": [an_attribute("in", ["Moscow", 7, True]), an_attribute("ge", 3)]},
                {"not": [{"field": "message", "mailing": 12, "status": ["sent"]}]},
                {"field": "no_message_within", "value": "7d"},
            ]
        }
    )
    assert tree == Group(
        "all",
        (
            OneOf("tag", ("vip",)),
            Group("any", (AttributeIs("city", ("Moscow", 7, True)), AttributeCompares("city", "ge", 3.0))),
            Group("not", (GotMessage(12, ("sent",)),)),
            NoMessageWithin(timedelta(days=7)),
        ),
    )


def nested(depth: int) -> dict[str, Any]:
    return {"all": [nested(depth - 1)]} if depth > 1 else {"all": [a_condition()]}


WRONG = [
    ({"all": []}, ("all",), "at least one"),
    ({"all": "vip"}, ("all",), "must be a list"),
    ({"all": [7]}, ("all", 0), "must be an object"),
    ({"all": [a_condition()], "any": [a_condition()]}, (), "one of all, any and not"),
    ({"all": [{"field": "phone"}]}, ("all", 0, "field"), "must be one of"),
    ({"all": [{"field": ["tag"]}]}, ("all", 0, "field"), "must be one of"),
    ({"any": [a_condition(), a_condition(op="lt")]}, ("any", 1, "op"), "must be one of"),
    ({"not": [{"all": [a_condition(value=7)]}]}, ("not", 0, "all", 0, "value"), "must be a string"),
    ({"all": [a_condition(op="in", value="vip")]}, ("all", 0, "value"), "must be a list"),
    ({"all": [a_condition(op="in", value=["vip", None])]}, ("all", 0, "value", 1), "must be a string"),
    ({"all": [a_condition(more=1)]}, ("all", 0, "more"), "is unknown"),
    ({"all": [{"field": "operator_code", "op": "eq", "value": "9"}]}, ("all", 0, "value"), "three digits"),
    ({"all": [an_attribute("lt", "Moscow")]}, ("all", 0, "value"), "a number or a date"),
    ({"all": [an_attribute("lt", True)]}, ("all", 0, "value"), "a number or a date"),
    ({"all": [an_attribute("lt", "2026-02-30")]}, ("all", 0, "value"), "a date that exists"),
    ({"all": [an_attribute("contains", 7)]}, ("all", 0, "value"), "a string"),
    ({"all": [an_attribute("eq", None)]}, ("all", 0, "value"), "a string, a number"),
    ({"all": [an_attribute("eq", 1e300)]}, ("all", 0, "value"), "a number between"),
    ({"all": [an_attribute("eq", 10**400)]}, ("all", 0, "value"), "a number between"),
    ({"all": [an_attribute("gt", float("nan"))]}, ("all", 0, "value"), "a number between"),
    ({"all": [an_attribute("eq", "a\0b")]}, ("all", 0, "value"), "control characters"),
    ({"all": [an_attribute("exists", "yes")]}, ("all", 0, "value"), "true or false"),
    ({"all": [{**an_attribute("eq", 1), "name": "City"}]}, ("all", 0, "name"), "the name of an attribute"),
    ({"all": [{"field": "created", "op": "before", "value": "2026-01-01"}]}, ("all", 0, "value"), "an offset"),
    *(
        ({"all": [{"field": "created", "op": "before", "value": value}]}, ("all", 0, "value"), "an offset")
        for value in (
            "2030-01-01T00:00:00+05:60",
            "2030-W01-1T00:00:00Z",
            "2030-01-01 00:00:00Z",
            "20300101T000000Z",
            1,
        )
    ),
    ({"all": [{"field": "tag", "op": "eq", "value": " \u200b"}]}, ("all", 0, "value"), "one visible character"),
    ({"all": [{"field": "message", "mailing": True}]}, ("all", 0, "mailing"), "the id of a mailing"),
    ({"all": [{"field": "message", "mailing": 1, "status": ["gone"]}]}, ("all", 0, "status", 0), "must be one of"),
    ({"all": [{"field": "no_message_within", "value": "0d"}]}, ("all", 0, "value"), "a duration"),
    (a_condition(), (), "must be all, any or not"),
    (nested(6), ("all", 0) * 5, "nested too deeply"),
    ({"all": [a_condition()] * (MAX_NODES + 1)}, ("all", MAX_NODES), "one too many"),
    ({"all": [{"any": [a_condition()]}] * 26}, ("all", 25), "one too many"),
]


@pytest.mark.parametrize(("raw", "path", "message"), WRONG)
def test_a_wrong_tree_names_the_place(raw: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(WrongFilter) as wrong:
        read_tree(raw)
    assert wrong.value.path == path
    assert message in wrong.value.message


@pytest.mark.parametrize(
    ("condition", "place", "message"),
    [
        (an_attribute("in", ["Moscow", 7]), (1,), "must be a string, as the first"),
        (an_attribute("in", [1.5, 2, True]), (2,), "must be a number, as the first"),
        (an_attribute("in", [False, "no"]), (1,), "must be true or false, as the first"),
        (an_attribute("in", ["2026-02-28", "2026-02-30"]), (1,), "a date that exists"),
        (an_attribute("ne", "2025-02-29"), (), "a date that exists"),
    ],
)
def test_values_that_nobody_can_mean_are_refused_where_they_are_written(
    condition: dict[str, Any], place: tuple[int, ...], message: str
) -> None:
    raw = {"any": [a_condition(), {"not": [a_condition(op="in", value=["vip", "new"]), condition]}]}
    with pytest.raises(WrongFilter) as wrong:
        check_values(raw)
    assert wrong.value.path == ("any", 1, "not", 1, "value", *place)
    assert message in wrong.value.message
    # What an earlier version stored is still read.
    read_tree(raw)


@pytest.mark.parametrize("values", [["Moscow"], [1, 2.5], [True, False], ["1234-56-78", "2026-02-28", "4711-02-30"]])
def test_values_of_one_type_are_taken(values: list[object]) -> None:
    check_values({"all": [an_attribute("in", values), an_attribute("exists", True)]})


@pytest.mark.parametrize("value", ["vip ", "v\u200bip", "\ufeffvip", "\u202avip\u202c", "vip\u00a0"])
def test_what_is_compared_is_cleaned_as_what_is_stored_is(value: str) -> None:
    assert read_tree({"all": [a_condition(value=value)]}) == read_tree({"all": [a_condition(value="vip")]})
    assert read_tree({"all": [an_attribute("eq", value)]}) == read_tree({"all": [an_attribute("eq", "vip")]})


def test_five_levels_and_fifty_nodes_are_allowed() -> None:
    read_tree(nested(5))
    # The outermost group does not count.
    read_tree({"all": [a_condition()] * MAX_NODES})


def test_no_value_gets_into_the_text_of_a_statement() -> None:
    injected = "'; DROP TABLE clients; --"
    tree = read_tree(
        {
            "any": [
                a_condition(value=injected),
                a_condition(op="in", value=[injected]),
                an_attribute("eq", injected),
                an_attribute("contains", injected),
                {"field": "timezone", "op": "ne", "value": injected},
            ]
        }
    )
    compiled = compile_filter(tree, first=4, mailing_id=7, start=NOON)
    assert "DROP" not in compiled.sql
    assert compiled.sql.count("$") >= len(compiled.values)
    assert f"${3 + len(compiled.values)}" in compiled.sql
