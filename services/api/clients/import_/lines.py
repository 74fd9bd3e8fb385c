"""Splits an import into lines, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

# A longer line is a bad line, and is not kept in memory.
MAX_LINE = 16 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number, from 1, without its line break. `raw` is None if the line was too long."""

    number: int
    raw: bytes | None


class LineSplitter:
    """Splits chunks into lines. Keeps at most one unfinished line."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False
        # The number of lines that were completed.
        self.number = 0
        # Blank lines are counted and passed over, unless they stand within quotes.
        self.keep_blank = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Yields the lines that end in a chunk."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        self._rest = b""
        for raw in whole:
            if (not raw or raw == b"\r") and not self.keep_blank and not self._too_long:
                self.number += 1
            else:
                yield self._line(raw)
        self._too_long = self._too_long or len(rest) > MAX_LINE
        self._rest = b"" if self._too_long else rest

    def end(self) -> Iterator[Line]:
        """Yields the last line, which may lack its line break."""
        if self._rest or self._too_long:
            yield self._line(self._rest)

    def _line(self, raw: bytes) -> Line:
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(_BOM)
        too_long, self._too_long = self._too_long or len(raw) > MAX_LINE, False
        return Line(self.number, None if too_long else raw.removesuffix(b"\r"))
