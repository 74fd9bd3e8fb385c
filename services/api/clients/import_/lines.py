"""Reads an import line by line, in bounded memory. Pure: bytes in, clients and errors out."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from services.api.clients.schemas import ClientNew
from services.api.web.parsing import NotJson, Zones, message_of, parse_json

# A longer line is a bad line, and is not kept in memory.
MAX_LINE = 16 * 1024
COLUMNS = frozenset(ClientNew.model_fields)
HEADER_RULE = "the first line must name the columns, each once: phone, and any of operator_code, tag, timezone"
_BOM = b"\xef\xbb\xbf"


class BadLine(Exception):
    """A line is not a client. The message gives the reason, without the value."""


class BadHeader(Exception):
    """The first line of a CSV does not name the columns, so that no line can be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number, from 1. `raw` is None if the line was too long."""

    number: int
    raw: bytes | None


class LineSplitter:
    """Splits chunks into lines that are not empty. Keeps at most one unfinished line."""

    def __init__(self) -> None:
        self._rest = b""
        self._number = 0
        self._too_long = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        *whole, rest = (self._rest + chunk).split(b"\n")
        for raw in whole:
            yield from self._line(raw)
        self._too_long = self._too_long or len(rest) > MAX_LINE
        self._rest = b"" if self._too_long else rest

    def end(self) -> Iterator[Line]:
        """Yields the last line, which may lack its line break."""
        if self._rest or self._too_long:
            yield from self._line(self._rest)

    def _line(self, raw: bytes) -> Iterator[Line]:
        self._number += 1
        if self._number == 1:
            raw = raw.removeprefix(_BOM)
        too_long, self._too_long = self._too_long or len(raw) > MAX_LINE, False
        if too_long:
            yield Line(self._number, None)
        elif raw.strip():
            yield Line(self._number, raw.removesuffix(b"\r"))


class LineReader(Protocol):
    def read(self, line: Line) -> ClientNew | None:
        """Reads a line: returns a client, or None for the header. Raises BadLine and BadHeader."""

    def end(self) -> None:
        """Raises BadHeader when no header came."""


class NdjsonReader:
    """Reads one JSON object per line, with the fields of POST /clients."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def read(self, line: Line) -> ClientNew:
        try:
            return parse_json(ClientNew, _whole(line), self._zones)
        except NotJson as error:
            raise BadLine(str(error)) from None
        except ValidationError as error:
            raise BadLine(_first(error)) from None

    def end(self) -> None:
        """Does nothing: an empty body is valid."""


class CsvReader:
    """Reads a header that names the columns, then one client per line.

    A record is one line: values hold no line breaks, and an unclosed quote spoils only its own line. An empty
    operator_code or timezone counts as left out; an empty tag is an empty tag.
    """

    def __init__(self, zones: Zones) -> None:
        self._context = {"zones": zones}
        self._columns: list[str] | None = None

    def read(self, line: Line) -> ClientNew | None:
        if self._columns is None:
            self._columns = _header(line)
            return None
        values = _cells(line)
        if len(values) != len(self._columns):
            raise BadLine(f"it has {len(values)} values where the header names {len(self._columns)}")
        given = {name: value for name, value in zip(self._columns, values, strict=True) if value or name == "tag"}
        try:
            return ClientNew.model_validate(given, context=self._context)
        except ValidationError as error:
            raise BadLine(_first(error)) from None

    def end(self) -> None:
        if self._columns is None:
            raise BadHeader(HEADER_RULE)


def _header(line: Line) -> list[str]:
    try:
        names = [name.strip().lower() for name in _cells(line)]
    except BadLine as error:
        raise BadHeader(str(error)) from None
    if "phone" not in names or len(set(names)) != len(names) or not COLUMNS.issuperset(names):
        raise BadHeader(HEADER_RULE)
    return names


def _whole(line: Line) -> bytes:
    if line.raw is None:
        raise BadLine(f"it is longer than {MAX_LINE} bytes")
    return line.raw


def _cells(line: Line) -> list[str]:
    try:
        return next(csv.reader((_whole(line).decode("utf-8"),), strict=True))
    except UnicodeDecodeError:
        raise BadLine("it is not UTF-8") from None
    except (csv.Error, StopIteration):
        raise BadLine("it cannot be read as CSV") from None


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {message_of(found)}" if place else message_of(found)
