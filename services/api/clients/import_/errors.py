"""What an import can refuse: a line, or the whole file for its header. Messages give the reason, without the value."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from shared.wording import message_of


class BadLine(Exception):
    """A record is not a client."""


class BadHeader(Exception):
    """The first line of a CSV does not name the columns, so that no line can be read."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not a client: the number of its first line, the reason, and its cells as far as known."""

    line: int
    detail: str
    cells: Sequence[str] = ()


def first_error(error: ValidationError) -> str:
    """Says what the first error of a model is, and in which field."""
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {message_of(found)}" if place else message_of(found)
