"""What a column of a CSV may hold: a field of a client, an attribute, or nothing. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.api.clients.attributes import KEY_PATTERN
from services.api.clients.import_.errors import BadLine
from services.api.clients.schemas import ClientNew

FIELDS = tuple(ClientNew.model_fields)
NOTHING = "-"
# The columns that a file of refused lines has at its end. They are left out when it is sent again.
REFUSED_COLUMNS = ("refused_line", "refused_reason")
PREFIX = "attributes."
_ATTRIBUTE = re.compile(rf"attributes\.({KEY_PATTERN.strip('^$')})(:number)?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}([.,][0-9]{1,15})?")


@dataclass(frozen=True, slots=True)
class AttributeTarget:
    """An attribute that a column holds, as a text or as a number."""

    name: str
    is_number: bool

    def value(self, cell: str) -> str | float | int:
        """Reads a cell that is not empty. Raises BadLine."""
        if not self.is_number:
            return cell
        if _NUMBER.fullmatch(cell) is None:
            raise BadLine(f"attributes.{self.name}: must be a number")
        written = cell.replace(",", ".")
        return float(written) if "." in written else int(written)


def is_target(name: str) -> bool:
    """Returns whether a name stands for a field or an attribute."""
    return name in FIELDS or _ATTRIBUTE.fullmatch(name) is not None


def read_target(name: str) -> AttributeTarget:
    """Reads the name of an attribute, such as attributes.name or attributes.points:number."""
    found = _ATTRIBUTE.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} is no attribute")
    return AttributeTarget(found[1], is_number=found[2] is not None)


def read_map(text: str) -> tuple[str | None, ...]:
    """Reads a map: a target for each column, separated by commas; - leaves a column out. Raises ValueError."""
    targets = [None if name.strip() in ("", NOTHING) else name.strip() for name in text.split(",")]
    named = [name for name in targets if name is not None]
    for name in named:
        if not is_target(name):
            raise ValueError(f"must name {', '.join(FIELDS)}, attributes.NAME, or - for nothing")
    if len({name.removesuffix(":number") for name in named}) != len(named):
        raise ValueError("must name each field once")
    if "phone" not in named:
        raise ValueError("must name the column of the phone")
    return tuple(targets)


def write_map(targets: Sequence[str | None]) -> str:
    """Writes a map as read_map reads it."""
    return ",".join(NOTHING if name is None else name for name in targets)
