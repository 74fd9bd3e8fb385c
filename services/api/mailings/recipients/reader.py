"""Reads files of recipients: a phone and values for the placeholders of the text in each line. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from services.api.clients.attributes import KEY_PATTERN, AttributesNew
from services.api.clients.import_.csv_files.columns import Columns, refuse_other_separator
from services.api.clients.import_.csv_files.csv_reader import CsvReader
from services.api.clients.import_.csv_files.dialect import CsvForm
from services.api.clients.import_.csv_files.targets import PREFIX, REFUSED_COLUMNS
from services.api.clients.import_.errors import BadHeader, Rejected, first_error
from services.api.clients.import_.lines import MAX_LINE, Line
from services.api.clients.schemas import ClientNew
from services.api.web.bodies import BodyModel
from services.api.web.field_types import Phone, left_out
from services.api.web.reading.parsing import NotJson, Zones, parse_json

_KEY = re.compile(KEY_PATTERN)


class RecipientNew(BodyModel):
    """A line of a file of recipients in JSON."""

    phone: Phone
    values: AttributesNew = left_out({})


@dataclass(frozen=True, slots=True)
class Recipient:
    """A line of a file that can be sent to. `given` is a JSON object."""

    line: int
    phone: str
    given: str


class CsvRecipients:
    """Reads a CSV: the column phone, and a column for each value under its name."""

    def __init__(self, zones: Zones, form: CsvForm) -> None:
        self._reader = CsvReader(zones, form, name_columns)

    @property
    def within_quotes(self) -> bool:
        return self._reader.within_quotes

    def read(self, line: Line) -> Iterator[Recipient | Rejected]:
        return (_recipient(self._reader.line, found) for found in self._reader.read(line))

    def end(self) -> Iterator[Recipient | Rejected]:
        return (_recipient(self._reader.line, found) for found in self._reader.end())


class NdjsonRecipients:
    """Reads one JSON object per line: a phone, and values."""

    within_quotes = False

    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def read(self, line: Line) -> Iterator[Recipient | Rejected]:
        if line.raw is None:
            yield Rejected(line.number, f"it is longer than {MAX_LINE} bytes")
        elif line.raw.strip():
            try:
                read = parse_json(RecipientNew, line.raw, self._zones)
                yield Recipient(line.number, read.phone, encode_values(read.values))
            except NotJson as error:
                yield Rejected(line.number, str(error))
            except ValidationError as error:
                yield Rejected(line.number, first_error(error))

    def end(self) -> Iterator[Recipient | Rejected]:
        """Yields nothing."""
        yield from ()


def name_columns(cells: Sequence[str], separator: str) -> Columns:
    """Returns the columns that a header names: phone, and any names of values. Raises BadHeader."""
    names = [name.lower().removeprefix(PREFIX) for name in cells]
    if len(names) == 1:
        refuse_other_separator(names[0], separator)
    for place, name in enumerate(names, 1):
        if _KEY.fullmatch(name) is None:
            raise BadHeader(f"column {place} has no name that a placeholder can have, such as first_name: give a map")
        if names.count(name) > 1:
            raise BadHeader(f"the columns name {name} twice")
    if "phone" not in names:
        raise BadHeader("the column phone is missing: the first line must name the columns")
    return Columns([_target(name) for name in names], "header")


def _target(name: str) -> str | None:
    if name in REFUSED_COLUMNS:
        return None
    return name if name == "phone" else PREFIX + name


def _recipient(line: int, found: ClientNew | Rejected) -> Recipient | Rejected:
    if isinstance(found, Rejected):
        return found
    return Recipient(line, found.phone, encode_values(found.attributes))


def encode_values(values: Mapping[str, object]) -> str:
    """Encodes the values of a line. Where one is null or empty, the client's own attribute counts."""
    return orjson.dumps({name: value for name, value in values.items() if value is not None}).decode()
