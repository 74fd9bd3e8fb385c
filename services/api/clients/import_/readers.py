"""Turns the lines of an import into clients and reasons why a line is none. Pure."""

import csv
import io
import string
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson
from pydantic import ValidationError

from services.api.clients.import_.lines import MAX_LINE, Line
from services.api.clients.schemas import ClientNew
from services.api.web.reading.parsing import NotJson, Zones, parse_json
from services.api.web.reading.wording import message_of

OnEmpty = Literal["keep", "clear"]

COLUMNS = tuple(ClientNew.model_fields)
# A record with more line breaks is taken for one with a quote that is never closed.
MAX_BREAKS = 50
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_HARMLESS = frozenset(string.ascii_letters + "_- ")
_LONGEST_NAME = 32
# The columns whose cells hold more than one value.
_STRUCTURED = frozenset({"tags", "attributes"})


class BadLine(Exception):
    """A record is not a client. The message gives the reason, without the value."""


class BadHeader(Exception):
    """The first line of a CSV does not name the columns, so that no line can be read."""


class OpenQuote(Exception):
    """A record ends within quotes: it goes on in the next line."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not a client: the number of its first line, and the reason without the value."""

    line: int
    detail: str


class LineReader(Protocol):
    @property
    def within_quotes(self) -> bool:
        """Whether the record goes on in the next line."""

    def read(self, line: Line) -> Iterator[ClientNew | Rejected]:
        """Yields what a line completes: one record, more after an open quote, or none. Raises BadHeader."""

    def end(self) -> Iterator[ClientNew | Rejected]:
        """Yields what the end of the body completes. Raises BadHeader when no header came."""


class NdjsonReader:
    """Reads one JSON object per line, with the fields of POST /clients."""

    within_quotes = False

    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def read(self, line: Line) -> Iterator[ClientNew | Rejected]:
        if line.raw is not None and not line.raw.strip():
            return
        try:
            yield parse_json(ClientNew, _whole(line), self._zones)
        except (BadLine, NotJson) as error:
            yield Rejected(line.number, str(error))
        except ValidationError as error:
            yield Rejected(line.number, _first(error))

    def end(self) -> Iterator[ClientNew | Rejected]:
        """Yields nothing: an empty body is valid."""
        yield from ()


class CsvReader:
    """Reads a header that names the columns, then one client per record (RFC 4180).

    A quoted value may hold line breaks. A quote that is never closed spoils only the line in which it was opened.
    Blanks around a value are dropped. An empty value is left out: it keeps what the directory has. With `on_empty`
    clear it stands for the default of its field.
    """

    def __init__(self, zones: Zones, default_zone: str, on_empty: OnEmpty = "keep") -> None:
        self._context = {"zones": zones}
        self._default_zone = default_zone
        self._clear = on_empty == "clear"
        self._columns: list[str] | None = None
        # The lines of a record that ends within quotes so far.
        self._open: list[Line] = []

    @property
    def within_quotes(self) -> bool:
        """Whether the record goes on in the next line."""
        return bool(self._open)

    def read(self, line: Line) -> Iterator[ClientNew | Rejected]:
        left = deque((line,))
        while left:
            yield from self._take(left.popleft(), left)

    def end(self) -> Iterator[ClientNew | Rejected]:
        left: deque[Line] = deque()
        while self._open:
            yield self._give_up(left)
            while left:
                yield from self._take(left.popleft(), left)
        if self._columns is None:
            raise BadHeader("the body is empty: the first line must name the columns")

    def _take(self, line: Line, left: deque[Line]) -> Iterator[ClientNew | Rejected]:
        """Adds a line to the open record. The lines of a record that is given up are put in front of `left`."""
        self._open.append(line)
        first = self._open[0]
        if line is not first and line.raw is not None and b'"' not in line.raw and not self._too_large():
            return
        try:
            cells = _cells(self._record())
        except OpenQuote:
            if self._too_large():
                yield self._give_up(left)
            return
        except BadLine as error:
            self._open = []
            yield from self._reject(first, str(error))
            return
        self._open = []
        yield from self._read_cells(first, cells)

    def _record(self) -> str:
        if self._open[-1].raw is None:
            if len(self._open) > 1:
                raise OpenQuote
            raise BadLine(f"it is longer than {MAX_LINE} bytes")
        try:
            return b"\n".join(line.raw or b"" for line in self._open).decode()
        except UnicodeDecodeError:
            raise BadLine("it is not UTF-8") from None

    def _too_large(self) -> bool:
        if len(self._open) > MAX_BREAKS or self._open[-1].raw is None:
            return True
        return sum(len(line.raw or b"") for line in self._open) > MAX_LINE

    def _give_up(self, left: deque[Line]) -> Rejected:
        """Rejects the line with the open quote, and has the lines after it read by themselves."""
        first, *others = self._open
        self._open = []
        left.extendleft(reversed(others))
        if self._columns is None:
            raise BadHeader("a quote in the first line is not closed")
        return Rejected(first.number, "a quote is not closed")

    def _reject(self, line: Line, detail: str) -> Iterator[Rejected]:
        if self._columns is None:
            raise BadHeader(f"the first line cannot be read: {detail}")
        yield Rejected(line.number, detail)

    def _read_cells(self, line: Line, cells: list[str]) -> Iterator[ClientNew | Rejected]:
        if not any(cells):
            # A blank line, or a row of separators as spreadsheets write them below a table.
            return
        if self._columns is None:
            self._columns = _header(cells)
            return
        try:
            yield self._client(self._columns, cells)
        except BadLine as error:
            yield Rejected(line.number, str(error))

    def _client(self, columns: list[str], cells: list[str]) -> ClientNew:
        if len(cells) != len(columns):
            raise BadLine(_wrong_count(columns, cells))
        given: dict[str, Any] = {name: value for name, value in zip(columns, cells, strict=True) if value}
        for name in _STRUCTURED.intersection(given):
            given[name] = _structured(name, given[name])
        try:
            client = ClientNew.model_validate(given, context=self._context)
        except ValidationError as error:
            raise BadLine(_first(error)) from None
        if not self._clear or len(given) == len(columns):
            return client
        defaults: dict[str, Any] = {
            "operator_code": client.phone[1:4],
            "tag": "",
            "tags": [],
            "timezone": self._default_zone,
            "external_id": None,
        }
        cleared = {name: value for name, value in defaults.items() if name in columns and name not in given}
        if given.get("tag") and "tags" in cleared:
            # The column of all tags is empty, and that of the first is not.
            del cleared["tags"]
        return client.model_copy(update=cleared)


def _structured(name: str, cell: str) -> object:
    """Reads a cell with several tags, separated by commas, or with attributes as a JSON object."""
    if name == "tags":
        return [tag for tag in _cells(cell) if tag]
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        raise BadLine("attributes: must be a JSON object") from None


def _wrong_count(columns: list[str], cells: list[str]) -> str:
    detail = f"it has {_values(len(cells))} where the header names {len(columns)}"
    if len(cells) == 1:
        for separator, name in SEPARATORS.items():
            if separator in cells[0]:
                return f"{detail}: the values are separated by {name}, not by commas"
    return detail


def _values(count: int) -> str:
    return f"{count} value" if count == 1 else f"{count} values"


def _header(cells: list[str]) -> list[str]:
    names = [name.lower() for name in cells]
    if len(names) == 1:
        for separator, said in SEPARATORS.items():
            if separator in names[0]:
                raise BadHeader(f"the columns are separated by {said}: separate them by commas")
    for place, name in enumerate(names, 1):
        if name not in COLUMNS:
            raise BadHeader(f"{_name_column(place, name)} is unknown: the columns are {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            raise BadHeader(f"the column {name} is named twice")
    if "phone" not in names:
        raise BadHeader("the column phone is missing: the first line must name the columns")
    return names


def _name_column(place: int, name: str) -> str:
    """Names a column by its place, and by its name unless that may be a value of a client."""
    if name and len(name) <= _LONGEST_NAME and _HARMLESS.issuperset(name):
        return f"column {place} ({name})"
    return f"column {place}"


def _whole(line: Line) -> bytes:
    if line.raw is None:
        raise BadLine(f"it is longer than {MAX_LINE} bytes")
    return line.raw


def _cells(record: str) -> list[str]:
    """Splits a record into values without blanks around them. Raises OpenQuote and BadLine."""
    try:
        return [value.strip() for value in next(csv.reader(io.StringIO(record, newline=""), strict=True), [])]
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise OpenQuote from None
        raise BadLine("it cannot be read as CSV: a quote stands where none may") from None


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {message_of(found)}" if place else message_of(found)
