"""Looks at the beginning of a CSV: how it is written, what its columns seem to hold, and what its phones need. Pure."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from services.api.clients.import_.csv_files import headings, phones
from services.api.clients.import_.csv_files.dialect import DELIMITERS, Delimiter, separator_of_line
from services.api.clients.import_.csv_files.encodings import Encoding, Transcoder, recognise
from services.api.clients.import_.csv_files.phones import Unrepairable
from services.api.clients.import_.csv_files.records import Record, RecordSplitter
from services.api.clients.import_.errors import Rejected
from services.api.clients.import_.lines import LineSplitter

# So much of a file tells its encoding and its separator.
HEAD = 64 * 1024
ROWS_OF_HEAD = 50
# Columns of this part of phones, or more, hold phones, whatever stands above them.
_PHONE_PART = 0.5
SAMPLES = 3
LONGEST_SAMPLE = 64
MOST_COLUMNS = 200


class NoText(Exception):
    """A file is in none of the encodings that can be read."""


@dataclass(slots=True)
class PhoneCounts:
    """How many phones are written as they must be, can be repaired, are refused (by reason), missing, or come again."""

    as_is: int = 0
    repairable: int = 0
    empty: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a file is written. `rows` are those of its head."""

    encoding: Encoding
    delimiter: Delimiter
    header: Sequence[str] | None
    targets: Sequence[str | None]
    rows: Sequence[Sequence[str]]


def recognise_form(head: bytes) -> FileForm:
    """Returns how a file is written, by its first HEAD bytes. Raises NoText."""
    encoding = recognise(head)
    if encoding is None:
        raise NoText
    text = Transcoder(encoding).feed(head).decode(errors="replace").removeprefix("\ufeff")
    first, _, rest = text.partition("\n")
    named = separator_of_line(first.rstrip("\r").encode())
    body = text if named is None else rest
    delimiter = next((word for word, sign in DELIMITERS.items() if sign == named), None) or _guess_delimiter(body)
    rows = _rows(body, DELIMITERS[delimiter])
    header = rows[0] if rows and _is_header(rows[0]) else None
    below = rows[1:] if header is not None else rows
    width = max(map(len, rows), default=0)
    targets: list[str | None] = headings.guess(header) if header is not None else [None] * width
    return FileForm(encoding, delimiter, header, _with_phone(targets, below), below)


def _rows(text: str, separator: str) -> list[list[str]]:
    """Splits the head of a file leniently. The last row may be cut."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    # What cannot be split ends the head: the import itself refuses that line, with its number.
    with suppress(csv.Error):
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append(cells)
            if len(rows) == ROWS_OF_HEAD:
                break
    return rows


def _guess_delimiter(text: str) -> Delimiter:
    """Chooses the separator under which most rows have a phone in a cell of its own, and then as many cells."""
    return max(DELIMITERS, key=lambda name: _fitness(_rows(text, DELIMITERS[name])))


def _fitness(rows: Sequence[Sequence[str]]) -> tuple[int, int, int]:
    with_phone = sum(any(map(_is_phone, row)) for row in rows)
    known = sum(map(headings.is_known, rows[0])) if rows else 0
    widths = Counter(map(len, rows))
    common = max(widths, key=lambda width: (widths[width], width), default=0)
    return with_phone, known, widths[common] if common > 1 else 0


def _is_header(row: Sequence[str]) -> bool:
    return not any(map(_is_phone, row)) and not any(map(_is_shortened, row))


def _is_phone(cell: str) -> bool:
    try:
        phones.repair(cell)
    except Unrepairable:
        return False
    return True


def _is_shortened(cell: str) -> bool:
    try:
        phones.refuse_numbers(cell)
    except Unrepairable as error:
        return str(error) == phones.SHORTENED
    return False


def _with_phone(targets: list[str | None], rows: Sequence[Sequence[str]]) -> list[str | None]:
    """Finds the column of the phone by its cells, if no heading names it."""
    if "phone" in targets or not rows:
        return targets
    counts = [sum(_is_phone(row[place]) for row in rows if place < len(row)) for place in range(len(targets))]
    best = max(range(len(targets)), key=counts.__getitem__, default=None)
    if best is None or counts[best] < _PHONE_PART * len(rows):
        return targets
    return [*targets[:best], "phone", *targets[best + 1 :]]


class Inspection:
    """Reads the rows of one file, and counts what is in its columns."""

    def __init__(self, form: FileForm) -> None:
        self.form = form
        width = min(len(form.targets), MOST_COLUMNS)
        self.filled = [0] * width
        self.samples: list[list[str]] = [[] for _ in range(width)]
        self.rows = 0
        self.uneven = 0
        self.unreadable = 0
        self.phones = PhoneCounts()
        self._phone_place = form.targets.index("phone") if "phone" in form.targets else None
        self._seen: set[str] = set()

    def read(self, body: bytes) -> Iterator[None]:
        """Reads a file, or its beginning, a line at a step."""
        lines, transcoder = LineSplitter(), Transcoder(self.form.encoding)
        records = RecordSplitter(DELIMITERS[self.form.delimiter], self.form.encoding)
        header = self.form.header is not None
        for start in range(0, len(body), HEAD):
            for line in lines.feed(transcoder.feed(body[start : start + HEAD])):
                if line.number > 1 or line.raw is None or separator_of_line(line.raw) is None:
                    for found in records.feed(line):
                        header = self._take(found, header=header)
                lines.keep_blank = records.within_quotes
                yield
        for line in (*lines.feed(transcoder.end()), *lines.end()):
            for found in records.feed(line):
                header = self._take(found, header=header)
        for found in records.end():
            header = self._take(found, header=header)
        yield

    def _take(self, found: Record | Rejected, *, header: bool) -> bool:
        """Counts a record. Returns whether the header is still to come."""
        if isinstance(found, Rejected):
            self.unreadable += 1
            return header
        if not any(found.cells):
            return header
        if not header:
            self._count(found.cells)
        return False

    def _count(self, cells: Sequence[str]) -> None:
        self.rows += 1
        self.uneven += len(cells) != len(self.form.targets)
        for place, cell in enumerate(cells[: len(self.filled)]):
            if cell:
                self.filled[place] += 1
                if len(self.samples[place]) < SAMPLES:
                    self.samples[place].append(cell[:LONGEST_SAMPLE])
        if self._phone_place is not None:
            self._count_phone(cells[self._phone_place] if self._phone_place < len(cells) else "")

    def _count_phone(self, cell: str) -> None:
        if not cell:
            self.phones.empty += 1
            return
        try:
            phone = phones.repair(cell)
        except Unrepairable as error:
            self.phones.refused[str(error)] += 1
            return
        if phone == cell:
            self.phones.as_is += 1
        else:
            self.phones.repairable += 1
        self.phones.repeated += phone in self._seen
        self._seen.add(phone)
