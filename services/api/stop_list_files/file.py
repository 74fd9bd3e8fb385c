"""A CSV of phones for the stop list, read as a stream in bounded memory. Pure."""

from collections.abc import Iterator, Sequence

from pydantic import TypeAdapter, ValidationError

from services.api.clients.import_.csv_files.columns import Columns, refuse_other_separator
from services.api.clients.import_.csv_files.csv_reader import CsvReader
from services.api.clients.import_.csv_files.dialect import CsvForm
from services.api.clients.import_.csv_files.encodings import Transcoder
from services.api.clients.import_.errors import BadHeader, Rejected
from services.api.clients.import_.lines import Line, LineSplitter
from services.api.clients.schemas import ClientNew
from services.api.stop_list.adding import ReadPhone
from services.api.stop_list.responses import RefusedLine
from services.api.stop_list.schemas import Reason
from services.api.stop_list_files.schemas import COLUMNS
from services.api.web.reading.parsing import Zones
from shared.wording import message_of

BATCH = 1000
MAX_ERRORS = 100
_REASON: TypeAdapter[str] = TypeAdapter(Reason)


class PhoneFile:
    """A file with a column of phones, and perhaps one of reasons, which the header line or a map names.

    Reading it raises BadHeader if nothing names the phones, and what a file raises that is not in its encoding.
    """

    def __init__(self, zones: Zones, form: CsvForm, default_reason: str) -> None:
        self._default_reason = default_reason
        self._lines = LineSplitter()
        self._transcoder = Transcoder(form.encoding)
        self._reader = CsvReader(zones, form, _name_columns)
        # Each phone once: the first line that has it counts, and `repeated` counts the others of this batch.
        self.read: dict[str, ReadPhone] = {}
        self.repeated = 0
        self.rejected = 0
        self.errors: list[RefusedLine] = []

    @property
    def lines(self) -> int:
        """The number of lines that were read."""
        return self._lines.number

    def take(self) -> list[ReadPhone]:
        """Takes a batch of what was read."""
        taken = list(self.read.values())[:BATCH]
        for one in taken:
            del self.read[one.phone]
        return taken

    def feed(self, chunk: bytes) -> Iterator[None]:
        """Reads the lines that end in a chunk, one at a step."""
        return self._read(self._lines.feed(self._transcoder.feed(chunk)))

    def end(self) -> Iterator[None]:
        """Reads the last line, which may lack its line break."""
        yield from self._read(self._lines.feed(self._transcoder.end()))
        yield from self._read(self._lines.end())
        for found in self._reader.end():
            self._take(found)
        yield

    def _read(self, lines: Iterator[Line]) -> Iterator[None]:
        for line in lines:
            for found in self._reader.read(line):
                self._take(found)
            self._lines.keep_blank = self._reader.within_quotes
            yield

    def _take(self, found: ClientNew | Rejected) -> None:
        if isinstance(found, Rejected):
            self._refuse(found.line, found.detail)
            return
        given = found.attributes.get(COLUMNS["reason"].rpartition(".")[2])
        try:
            reason = _REASON.validate_python(str(given or self._default_reason))
        except ValidationError as error:
            self._refuse(
                self._reader.line, f"reason: {message_of(error.errors(include_url=False, include_input=False)[0])}"
            )
            return
        self.repeated += found.phone in self.read
        self.read.setdefault(found.phone, ReadPhone(found.phone, reason))

    def _refuse(self, line: int, detail: str) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(RefusedLine(line=line, detail=detail))


def _name_columns(cells: Sequence[str], separator: str) -> Columns:
    names = [cell.lower() for cell in cells]
    if len(names) == 1:
        refuse_other_separator(names[0], separator)
    if "phone" not in names or not set(names) <= set(COLUMNS) or len(set(names)) != len(names):
        raise BadHeader("the first line must name the columns, phone and if wanted reason, or a map must")
    return Columns([COLUMNS[name] for name in names], "header")
