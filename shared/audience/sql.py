"""Compiles a tree of conditions to a condition of SQL: fixed pieces of text, and every value as a parameter. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

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
)

_OPERATORS: Mapping[Comparison, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_COLUMNS = {"operator_code": "c.operator_code", "timezone": "c.timezone"}
_IS_DATE = "'^[0-9]{4}-[0-9]{2}-[0-9]{2}$'"


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """A condition on a row of clients named `c`, which is true or false, never null; and the values of its parameters.

    The first of them is `$first`.
    """

    sql: str
    values: tuple[object, ...]


ALL_CLIENTS = CompiledFilter("true", ())


def compile_filter(node: Node | None, *, first: int, mailing_id: int | None, start: datetime) -> CompiledFilter:
    """Compiles a tree; without one, every client matches.

    `mailing_id` is the mailing whose audience is read: its own messages do not count. Durations end at `start`.
    """
    if node is None:
        return ALL_CLIENTS
    compiler = _Compiler(first, mailing_id, start)
    return CompiledFilter(compiler.sql(node), tuple(compiler.values))


class _Compiler:
    def __init__(self, first: int, mailing_id: int | None, start: datetime) -> None:
        self._first = first
        self._mailing_id = mailing_id
        self._start = start
        self.values: list[object] = []

    def sql(self, node: Node) -> str:
        match node:
            case Group("not", nodes):
                return f"NOT ({' OR '.join(map(self.sql, nodes))})"
            case Group(kind, nodes):
                return f"({(' AND ' if kind == 'all' else ' OR ').join(map(self.sql, nodes))})"
            case OneOf("tag", values):
                return self._tags(values)
            case OneOf(field, values):
                return f"{_COLUMNS[field]} = ANY ({self._value(list(values))}::text[])"
            case HasTag():
                return "c.tag <> ''"
            case Created(side, moment):
                return f"c.created_at {'<' if side == 'before' else '>'} {self._value(moment)}::timestamptz"
            case GotMessage(mailing_id, statuses):
                return f"""EXISTS (SELECT FROM messages x WHERE x.client_id = c.id
                    AND x.mailing_id = {self._value(mailing_id)}::bigint
                    AND x.status = ANY ({self._value(list(statuses))}::text[]::message_status[]))"""
            case NoMessageWithin():
                return self._no_message(node)
            case _:
                return self._attribute(node)

    def _attribute(self, node: AttributeIs | AttributeCompares | AttributeContains | AttributeExists) -> str:
        name = f"{self._value(node.name)}::text"
        match node:
            case AttributeExists():
                return f"c.attributes ? {name}"
            case AttributeIs(_, values):
                # Equal as JSON: a number and a string never are.
                encoded = [orjson.dumps(value).decode() for value in values]
                return f"coalesce(c.attributes -> {name} = ANY ({self._value(encoded)}::text[]::jsonb[]), false)"
            case AttributeContains(_, part):
                return f"""CASE WHEN jsonb_typeof(c.attributes -> {name}) = 'string'
                    THEN strpos(lower(c.attributes ->> {name}), lower({self._value(part)}::text)) > 0 ELSE false END"""
            case AttributeCompares(_, comparison, str(value)):
                # Dates written so are in the order of their texts.
                return f"""CASE WHEN jsonb_typeof(c.attributes -> {name}) = 'string'
                    AND c.attributes ->> {name} ~ {_IS_DATE}
                    THEN c.attributes ->> {name} {_OPERATORS[comparison]} {self._value(value)}::text COLLATE "C"
                    ELSE false END"""
            case AttributeCompares(_, comparison, value):
                return f"""CASE WHEN jsonb_typeof(c.attributes -> {name}) = 'number'
                    THEN (c.attributes ->> {name})::float8 {_OPERATORS[comparison]} {self._value(value)}::float8
                    ELSE false END"""

    def _tags(self, values: tuple[str, ...]) -> str:
        given = f"{self._value(list(values))}::text[]"
        return f"(c.tag = ANY ({given}) OR c.further_tags && {given})"

    def _no_message(self, node: NoMessageWithin) -> str:
        own = "" if self._mailing_id is None else f"AND x.mailing_id <> {self._value(self._mailing_id)}::bigint"
        since = f"{self._value(self._start - node.duration)}::timestamptz"
        return f"""NOT EXISTS (SELECT FROM messages x WHERE x.client_id = c.id {own}
            AND (x.status IN ('pending', 'retrying') OR x.status = 'sent' AND x.final_at > {since}))"""

    def _value(self, value: object) -> str:
        self.values.append(value)
        return f"${self._first + len(self.values) - 1}"
