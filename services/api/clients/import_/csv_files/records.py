"""Joins lines to the records of a CSV, and splits records into cells (RFC 4180). Pure."""

import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.api.clients.import_.csv_files.encodings import Encoding
from services.api.clients.import_.errors import BadLine, Rejected
from services.api.clients.import_.lines import MAX_LINE, Line

# A record with more line breaks is taken for one with a quote that is never closed.
MAX_BREAKS = 50
OPEN_QUOTE = "a quote is not closed"
_SAID: Mapping[Encoding, str] = {"utf-8": "UTF-8", "utf-16": "UTF-16", "windows-1251": "windows-1251"}


class OpenQuote(Exception):
    """A record ends within quotes: it goes on in the next line."""


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record, without blanks around them, and the number of its first line.

    `breaks`: some of the cells hold line breaks.
    """

    line: int
    cells: Sequence[str]
    breaks: bool = False


class RecordSplitter:
    """Reads the records of one file.

    A quoted value may hold line breaks. A quote that is never closed spoils only the line in which it was opened.
    """

    def __init__(self, separator: str, encoding: Encoding) -> None:
        self.separator = separator
        self._encoding = encoding
        # The lines of a record that ends within quotes so far.
        self._open: list[Line] = []

    @property
    def within_quotes(self) -> bool:
        """Whether the record goes on in the next line."""
        return bool(self._open)

    def feed(self, line: Line) -> Iterator[Record | Rejected]:
        """Yields what a line completes: one record, more after an open quote, or none."""
        left = deque((line,))
        while left:
            yield from self._take(left.popleft(), left)

    def end(self) -> Iterator[Record | Rejected]:
        """Yields what the end of the file completes."""
        left: deque[Line] = deque()
        while self._open:
            yield self._give_up(left)
            while left:
                yield from self._take(left.popleft(), left)

    def _take(self, line: Line, left: deque[Line]) -> Iterator[Record | Rejected]:
        """Adds a line to the open record. The lines of a record that is given up are put in front of `left`."""
        self._open.append(line)
        first = self._open[0]
        if line is not first and line.raw is not None and b'"' not in line.raw and not self._too_large():
            return
        try:
            text = self._text()
            cells = split_cells(text, self.separator)
        except OpenQuote:
            if self._too_large():
                yield self._give_up(left)
            return
        except BadLine as error:
            self._open = []
            yield Rejected(first.number, str(error), _shown(first))
            return
        self._open = []
        breaks = '"' in text and any("\n" in cell or "\r" in cell for cell in cells)
        yield Record(first.number, cells, breaks)

    def _text(self) -> str:
        if self._open[-1].raw is None:
            if len(self._open) > 1:
                raise OpenQuote
            raise BadLine(f"it is longer than {MAX_LINE} bytes")
        try:
            return b"\n".join(line.raw or b"" for line in self._open).decode()
        except UnicodeDecodeError:
            raise BadLine(f"it is not {_SAID[self._encoding]}") from None

    def _too_large(self) -> bool:
        if len(self._open) > MAX_BREAKS or self._open[-1].raw is None:
            return True
        return sum(len(line.raw or b"") for line in self._open) > MAX_LINE

    def _give_up(self, left: deque[Line]) -> Rejected:
        """Rejects the line with the open quote, and has the lines after it read by themselves."""
        first, *others = self._open
        self._open = []
        left.extendleft(reversed(others))
        return Rejected(first.number, OPEN_QUOTE, _shown(first))


def split_cells(record: str, separator: str) -> list[str]:
    """Splits a record into values without blanks around them. Raises OpenQuote and BadLine."""
    if '"' not in record and "\r" not in record:
        # Without quotes there is nothing to interpret, and this takes a fifth of the time.
        return [value.strip() for value in record.split(separator)] if record else []
    try:
        return [value.strip() for value in next(csv.reader((record,), strict=True, delimiter=separator), [])]
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise OpenQuote from None
        if "new-line" in str(error):
            raise BadLine("it cannot be read as CSV: save it with the line ends of Windows or Unix") from None
        raise BadLine("it cannot be read as CSV: a quote stands where none may") from None


def _shown(line: Line) -> Sequence[str]:
    """Returns a line that has no cells as one cell, as far as it can be read."""
    return () if line.raw is None else (line.raw.decode(errors="replace"),)
