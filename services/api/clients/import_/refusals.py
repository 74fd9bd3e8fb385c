"""Collects the refused lines of a CSV as a CSV with reasons, to be mended and sent again."""

import csv
import io

from services.api.clients.import_.csv_files.csv_reader import CsvReader
from services.api.clients.import_.csv_files.targets import REFUSED_COLUMNS
from services.api.clients.import_.errors import Rejected

# Of the file of refused lines, which is a part of the answer and is kept in memory.
MOST_CHARACTERS = 4 * 1024 * 1024


class Refusals:
    """The refused lines of one import, up to MOST_CHARACTERS. `left_out` counts those beyond."""

    def __init__(self, reader: CsvReader) -> None:
        self._reader = reader
        self._text = io.StringIO(newline="")
        self._own: list[str] = []
        self.left_out = 0

    def add(self, rejected: Rejected) -> None:
        """Adds a line as it came. Cells beyond the header, such as the reason of last time, are left out."""
        if self._text.tell() > MOST_CHARACTERS:
            self.left_out += 1
            return
        writer = csv.writer(self._text, delimiter=self._reader.separator)
        if self._text.tell() == 0 and self._reader.header is not None:
            self._own = [name for name in self._reader.header if name.lower() not in REFUSED_COLUMNS]
            writer.writerow([*self._own, *REFUSED_COLUMNS])
        width = len(self._own) or len(rejected.cells)
        cells = [*rejected.cells[:width], *[""] * (width - len(rejected.cells))]
        writer.writerow([*cells, rejected.line, rejected.detail])

    def text(self) -> str:
        """Returns the file. A refused line of which nothing could be read has no cells but its reason."""
        return self._text.getvalue()
