"""Trees of conditions in bodies: their schema in the API's document, and how they are read."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import WithJsonSchema

from services.api.web.problems import InvalidValue, invalid
from shared.audience.conditions import GotMessage, Group, walk
from shared.audience.reading import (
    ATTRIBUTE_NAME,
    LARGEST,
    MAX_DEPTH,
    MAX_NODES,
    MAX_TEXT,
    MAX_VALUES,
    WrongFilter,
    read_tree,
)
from shared.audience.value_types import check_values
from shared.statuses import MESSAGE_STATUSES

Json = dict[str, Any]
# What stands for a reference to a named schema until the document is built; see openapi/schemas.py.
NAMED = "x-schema"
NODE = "FilterNode"
# The keys of a filter that begin a tree, with the names of their fields in Python.
GROUPS = {"all": "all_of", "any": "any_of", "not": "none_of"}
GROUP_MEANINGS = {
    "all": "Conditions that must all be met.",
    "any": "Conditions of which one must be met.",
    "not": "Conditions of which none may be met.",
}


def group_schema(description: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "array", "items": {NAMED: NODE}, "minItems": 1, "maxItems": MAX_NODES, "description": description}
    )


AllOf = Annotated[list[Any], group_schema("Conditions that must all be met.")]
AnyOf = Annotated[list[Any], group_schema("Conditions of which one must be met.")]
NoneOf = Annotated[list[Any], group_schema("Conditions of which none may be met.")]


def read_conditions(raw: Json, *place: str | int) -> Group:
    """Reads a tree that stands at `place` of the body. Raises a 422 problem, which names the place below it."""
    try:
        tree = read_tree(raw)
        check_values(raw)
    except WrongFilter as error:
        raise invalid(InvalidValue(("body", *place, *error.path), error.message)) from None
    return tree


def mailings_of(tree: Group) -> set[int]:
    """Returns the ids of the mailings that a tree names."""
    return {node.mailing_id for node in walk(tree) if isinstance(node, GotMessage)}


_TEXT: Json = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"^[^\x00-\x1f\x7f]*$"}
_NUMBER: Json = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
_SCALAR: Json = {"anyOf": [_TEXT, _NUMBER, {"type": "boolean"}]}
_ORDERED: Json = {"anyOf": [_NUMBER, {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}]}
_CODE: Json = {"type": "string", "pattern": "^[0-9]{3}$"}


def _condition(field: str, required: list[str], **keys: Json) -> Json:
    return {
        "type": "object",
        "properties": {"field": {"const": field}, **keys},
        "required": ["field", *required],
        "additionalProperties": False,
    }


def _list(items: Json) -> Json:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_VALUES}


def _compared(field: str, value: Json, **more: Json) -> list[Json]:
    """Returns the conditions that compare for equality."""
    names = list(more)
    lists: Json = {"anyOf": [_list(one) for one in value["anyOf"]]} if "anyOf" in value else _list(value)
    return [
        _condition(field, [*names, "op", "value"], **more, op={"enum": ["eq", "ne"]}, value=value),
        _condition(field, [*names, "op", "value"], **more, op={"const": "in"}, value=lists),
    ]


def _exists(field: str, **more: Json) -> Json:
    return _condition(field, [*more, "op"], **more, op={"const": "exists"}, value={"type": "boolean"})


def group_schemas(reference: Json) -> dict[str, Json]:
    """Returns the schemas of the groups by name; `reference` leads to that of a node.

    Each has a name of its own: generators of clients cannot follow a union that contains itself without one between.
    """
    below: Json = {"type": "array", "items": reference, "minItems": 1, "maxItems": MAX_NODES}
    return {
        f"Filter{kind.capitalize()}": {
            "description": description,
            "type": "object",
            "properties": {kind: below},
            "required": [kind],
            "additionalProperties": False,
        }
        for kind, description in GROUP_MEANINGS.items()
    }


def node_schema(groups: Iterable[Json]) -> Json:
    """Returns the schema of a node; `groups` are references to those of the groups."""
    name: Json = {"type": "string", "pattern": ATTRIBUTE_NAME}
    conditions = [
        *_compared("operator_code", _CODE),
        *_compared("timezone", _TEXT),
        *_compared("tag", {**_TEXT, "minLength": 0}),
        _exists("tag"),
        *_compared("attribute", _SCALAR, name=name),
        _condition(
            "attribute", ["name", "op", "value"], name=name, op={"enum": ["lt", "le", "gt", "ge"]}, value=_ORDERED
        ),
        _condition("attribute", ["name", "op", "value"], name=name, op={"const": "contains"}, value=_TEXT),
        _exists("attribute", name=name),
        _condition(
            "created",
            ["op", "value"],
            op={"enum": ["before", "after"]},
            value={"type": "string", "format": "date-time"},
        ),
        _condition(
            "message",
            ["mailing"],
            mailing={"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1},
            status={
                "type": "array",
                "items": {"enum": list(MESSAGE_STATUSES)},
                "minItems": 1,
                "maxItems": len(MESSAGE_STATUSES),
            },
        ),
        _condition("no_message_within", ["value"], value={"type": "string", "pattern": "^[1-9][0-9]{0,2}[mhd]$"}),
    ]
    return {
        "description": "A condition on a client, or a group of them. A group is at most "
        f"{MAX_DEPTH} levels deep, and a filter has at most {MAX_NODES} conditions and groups below its outermost "
        "group. `ne` is also met by those who lack the attribute. The values of an `in` have one type. `message`: the "
        "client has a message of that mailing, in one of these statuses. `no_message_within`: none was sent to the "
        "client in the minutes, hours or days before the start.",
        "anyOf": [*groups, *conditions],
    }
