"""Reads a CSV: a line sep= if there is one, a header that names the columns, then one client per record. Pure."""

from collections.abc import Callable, Iterator, Sequence

from services.api.clients.import_.csv_files.columns import Columns, RowReader, from_header, from_map
from services.api.clients.import_.csv_files.dialect import DELIMITERS, CsvForm, separator_of_line
from services.api.clients.import_.csv_files.records import OPEN_QUOTE, Record, RecordSplitter
from services.api.clients.import_.errors import BadHeader, BadLine, Rejected
from services.api.clients.import_.lines import Line
from services.api.clients.schemas import ClientNew
from services.api.web.reading.parsing import Zones

# Returns the columns that a header names, in a file with this separator. Raises BadHeader.
NameColumns = Callable[[Sequence[str], str], Columns]
_REMEDY = {"it is not UTF-8": ": if Excel wrote it, give encoding=windows-1251"}


class CsvReader:
    """Reads the lines of one file, in its form.

    Blanks around a value are dropped, and a line break within an attribute becomes one. An empty value is left out: it
    keeps what the directory has. With `on_empty` clear it stands for the default of its field.
    """

    def __init__(self, zones: Zones, form: CsvForm, name_columns: NameColumns = from_header) -> None:
        self._zones = zones
        self._name_columns = name_columns
        self._form = form
        self._records = RecordSplitter(DELIMITERS[form.delimiter or "comma"], form.encoding)
        self._rows: RowReader | None = None
        # The number of the first line of the record that was read last, and its cells.
        self.line = 0
        self.cells: Sequence[str] = ()
        # The header as it stands in the file, once it came.
        self.header: Sequence[str] | None = None
        if form.targets is not None and not form.header:
            self._begin(from_map(form.targets, None))

    @property
    def within_quotes(self) -> bool:
        """Whether the record goes on in the next line."""
        return self._records.within_quotes

    @property
    def separator(self) -> str:
        """The character between two values."""
        return self._records.separator

    def read(self, line: Line) -> Iterator[ClientNew | Rejected]:
        if line.number == 1 and line.raw is not None and self._is_separator(line.raw):
            return
        for found in self._records.feed(line):
            yield from self._read(found)

    def end(self) -> Iterator[ClientNew | Rejected]:
        for found in self._records.end():
            yield from self._read(found)
        if self._rows is None:
            raise BadHeader("the body is empty: the first line must name the columns")

    def _is_separator(self, raw: bytes) -> bool:
        """Takes the separator of a line sep= over, unless one was given. Returns whether it is such a line."""
        named = separator_of_line(raw)
        if named is not None and self._form.delimiter is None:
            self._records.separator = named
        return named is not None

    def _read(self, found: Record | Rejected) -> Iterator[ClientNew | Rejected]:
        if isinstance(found, Rejected):
            if self._rows is None:
                raise BadHeader(_unreadable(found.detail))
            yield found
        elif not any(found.cells):
            # A blank line, or a row of separators as spreadsheets write them below a table.
            return
        elif self._rows is None:
            self.header = found.cells
            self._begin(self._columns(found.cells))
        else:
            self.line, self.cells = found.line, found.cells
            try:
                yield self._rows.read(found.cells, breaks=found.breaks)
            except BadLine as error:
                yield Rejected(found.line, str(error), found.cells)

    def _columns(self, cells: Sequence[str]) -> Columns:
        targets = self._form.targets
        return self._name_columns(cells, self.separator) if targets is None else from_map(targets, cells)

    def _begin(self, columns: Columns) -> None:
        self._rows = RowReader(columns, self._form, self._zones)


def _unreadable(detail: str) -> str:
    if detail == OPEN_QUOTE:
        return "a quote in the first line is not closed"
    return f"the first line cannot be read: {detail}{_REMEDY.get(detail, '')}"
