"""The options with which a client's values are given, and the body that they make."""

import csv
from dataclasses import dataclass
from typing import Annotated

import orjson
import typer

from cli.connections.api import Json

Operator = Annotated[str | None, typer.Option(help="Code of the mobile operator: three digits.")]
Tag = Annotated[str | None, typer.Option(help="The first tag, which a filter finds; an empty one removes all.")]
Tags = Annotated[
    str | None, typer.Option(metavar="TAG,...", help="All tags, separated by commas; an empty list removes all.")
]
Zone = Annotated[str | None, typer.Option(metavar="ZONE", help="Time zone, such as Europe/Moscow.")]
ExternalId = Annotated[
    str | None, typer.Option(metavar="ID", help="Id of the client in your own system; an empty one removes it.")
]
Attributes = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute",
        metavar="NAME=VALUE",
        help="A value for texts and filters; may be repeated. Numbers, true and false are taken as such, unless "
        '"quoted"; an empty value removes the attribute.',
    ),
]


@dataclass(frozen=True, slots=True)
class GivenValues:
    """The values of a client that were given at the command line."""

    operator: str | None = None
    tag: str | None = None
    tags: str | None = None
    timezone: str | None = None
    external_id: str | None = None
    attributes: list[str] | None = None

    def body(self) -> Json:
        """Returns the fields that were given, as the API takes them. Raises typer.BadParameter."""
        given: Json = {"operator_code": self.operator, "tag": self.tag, "timezone": self.timezone}
        body = {name: value for name, value in given.items() if value is not None}
        if self.tags is not None:
            body["tags"] = read_tags(self.tags)
        if self.external_id is not None:
            body["external_id"] = self.external_id or None
        if self.attributes:
            body["attributes"] = dict(_read_attribute(text) for text in self.attributes)
        return body


def read_tags(text: str) -> list[str]:
    """Parses a list of tags, as a cell of a CSV has it: a tag with a comma stands in quotes."""
    return [tag.strip() for tag in next(csv.reader([text]), []) if tag.strip()]


def _read_attribute(text: str) -> tuple[str, str | float | bool | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not an attribute such as name=Anna")
    return name.strip(), read_value(value)


def read_value(text: str) -> str | float | bool | None:
    """Parses the value of an attribute: a number, true, false, or a string, with or without quotes. None if empty."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text or None
    return value if isinstance(value, str | int | float | bool) else text
