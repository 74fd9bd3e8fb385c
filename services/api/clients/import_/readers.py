"""Turns the lines of an import into clients and reasons why a line is none. Pure."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from pydantic import ValidationError

from services.api.clients.import_.errors import BadLine, Rejected, first_error
from services.api.clients.import_.lines import MAX_LINE, Line
from services.api.clients.schemas import ClientNew
from services.api.web.reading.parsing import NotJson, Zones, parse_json


class LineReader(Protocol):
    # The number of the first line of the record that was read last, and its cells, if it has any.
    line: int
    cells: Sequence[str]

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
        self.line = 0
        self.cells: Sequence[str] = ()

    def read(self, line: Line) -> Iterator[ClientNew | Rejected]:
        if line.raw is not None and not line.raw.strip():
            return
        self.line = line.number
        try:
            yield parse_json(ClientNew, _whole(line), self._zones)
        except (BadLine, NotJson) as error:
            yield Rejected(line.number, str(error))
        except ValidationError as error:
            yield Rejected(line.number, first_error(error))

    def end(self) -> Iterator[ClientNew | Rejected]:
        """Yields nothing: an empty body is valid."""
        yield from ()


def _whole(line: Line) -> bytes:
    if line.raw is None:
        raise BadLine(f"it is longer than {MAX_LINE} bytes")
    return line.raw
