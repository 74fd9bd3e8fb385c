"""A CSV of phones for the stop list, read as a stream in bounded memory. Pure."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from services.api.stop_list.responses import RefusedLine
from services.api.stop_list.schemas import Reason
from services.api.web.field_types import Phone
from services.api.web.problems import HttpProblem, InvalidValue, invalid
from shared.wording import message_of

BATCH = 5000
MAX_ERRORS = 100
MAX_LINE = 4096
COLUMNS = ("phone", "reason")
_PHONE: TypeAdapter[str] = TypeAdapter(Phone)
_REASON: TypeAdapter[str] = TypeAdapter(Reason)


@dataclass(frozen=True, slots=True)
class ReadPhone:
    """A phone for the stop list, and why."""

    phone: str
    reason: str


class PhoneFile:
    """A file with a column of phones, and perhaps one of reasons. The header line names them."""

    def __init__(self, default_reason: str) -> None:
        self._default_reason = default_reason
        self._rest = b""
        self._line = 0
        self._columns: list[str] | None = None
        # Each phone once: the first line that has it counts.
        self.read: dict[str, ReadPhone] = {}
        self.rejected = 0
        self.errors: list[RefusedLine] = []

    def take(self) -> list[ReadPhone]:
        """Takes a batch of what was read."""
        taken = list(self.read.values())[:BATCH]
        for one in taken:
            del self.read[one.phone]
        return taken

    def feed(self, chunk: bytes) -> Iterator[None]:
        """Reads the lines that end in a chunk, one at a step. Raises a 422 problem for a wrong header."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise HttpProblem("malformed-body", f"Line {self._line + len(lines) + 1} is longer than {MAX_LINE} bytes.")
        for line in lines:
            self._read(line)
            yield

    def end(self) -> Iterator[None]:
        """Reads the last line, which may lack its line break. Raises a 422 problem if no header came."""
        if self._rest:
            self._read(self._rest)
        self._rest = b""
        if self._columns is None:
            raise _wrong_header("the body is empty: the first line must name the columns")
        yield

    def _read(self, raw: bytes) -> None:
        self._line += 1
        try:
            cells = next(csv.reader([raw.decode("utf-8-sig" if self._line == 1 else "utf-8").strip()], strict=True), [])
        except (UnicodeDecodeError, csv.Error):
            self._refuse("it cannot be read as CSV in UTF-8")
            return
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            return
        if self._columns is None:
            self._columns = _header(cells)
            return
        self._read_row(dict(zip(self._columns, cells, strict=False)))

    def _read_row(self, row: dict[str, str]) -> None:
        try:
            phone = _PHONE.validate_python(row.get("phone", ""))
            reason = _REASON.validate_python(row.get("reason") or self._default_reason)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            self._refuse(message_of(found))
            return
        self.read.setdefault(phone, ReadPhone(phone, reason))

    def _refuse(self, detail: str) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(RefusedLine(line=self._line, detail=detail))


def _header(cells: list[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    if "phone" not in names or not set(names) <= set(COLUMNS) or len(set(names)) != len(names):
        raise _wrong_header("the first line must name the columns: phone, and if wanted reason")
    return names


def _wrong_header(detail: str) -> HttpProblem:
    return invalid(InvalidValue(("body",), detail))
