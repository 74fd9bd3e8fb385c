"""Conditions on a client, and groups of them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shared.statuses import MessageStatus

Comparison = Literal["lt", "le", "gt", "ge"]
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Group:
    """All, any or none (`not`) of some nodes."""

    kind: Literal["all", "any", "not"]
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """The operator code, the time zone or a tag is one of these. The tag "" means a client without tags."""

    field: Literal["operator_code", "timezone", "tag"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasTag:
    """The client has any tag."""


@dataclass(frozen=True, slots=True)
class AttributeIs:
    """An attribute is one of these values, of the same type."""

    name: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class AttributeCompares:
    """An attribute is a number below or above another, or a date (YYYY-MM-DD) before or after another."""

    name: str
    comparison: Comparison
    value: float | str


@dataclass(frozen=True, slots=True)
class AttributeContains:
    """An attribute is a string that contains another, whatever the case."""

    name: str
    part: str


@dataclass(frozen=True, slots=True)
class AttributeExists:
    """The client has the attribute."""

    name: str


@dataclass(frozen=True, slots=True)
class Created:
    """The client was added before or after a moment."""

    side: Literal["before", "after"]
    moment: datetime


@dataclass(frozen=True, slots=True)
class GotMessage:
    """A mailing has a message to the client, in one of these statuses."""

    mailing_id: int
    statuses: tuple[MessageStatus, ...]


@dataclass(frozen=True, slots=True)
class NoMessageWithin:
    """In this time before the start no message was sent to the client, and none is under way."""

    duration: timedelta


Node = (
    Group
    | OneOf
    | HasTag
    | AttributeIs
    | AttributeCompares
    | AttributeContains
    | AttributeExists
    | Created
    | GotMessage
    | NoMessageWithin
)


def walk(node: Node) -> Iterator[Node]:
    """Yields a node and all below it."""
    yield node
    if isinstance(node, Group):
        for below in node.nodes:
            yield from walk(below)


def negate(node: Node) -> Group:
    return Group("not", (node,))
