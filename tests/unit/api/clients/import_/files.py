"""Reads a file as the console and the CLI have it read: inspected first, and then imported as was proposed."""

import zoneinfo
from pathlib import Path
from typing import Any

from services.api.clients.import_.csv_files.csv_reader import CsvReader
from services.api.clients.import_.csv_files.encodings import Transcoder
from services.api.clients.import_.csv_files.inspection import HEAD, Inspection, recognise_form
from services.api.clients.import_.errors import BadHeader, Rejected
from services.api.clients.import_.inspect import present
from services.api.clients.import_.lines import LineSplitter
from services.api.clients.import_.parameters import ImportQuery, form_of
from services.api.clients.schemas import ClientNew

ZONES = frozenset(zoneinfo.available_timezones())
FOLDER = Path(__file__).parents[4] / "files"


def import_as_proposed(body: bytes) -> list[str]:
    """Returns what was proposed, and then for each record its line and what becomes of it."""
    inspection = Inspection(recognise_form(body[:HEAD]))
    list(inspection.read(body))
    proposal = present(inspection, complete=True).proposal.model_dump()
    said = [f"{name}: {value}" for name, value in proposal.items()]
    if proposal["map"] is None:
        return [*said, "no column holds phones"]
    return [*said, *read(body, **proposal)]


def read(body: bytes, **query: Any) -> list[str]:
    """Imports a file with these parameters, and says what becomes of each record."""
    asked = ImportQuery.model_validate({**query, "header": str(query.get("header", True))})
    reader, lines, transcoder = (
        CsvReader(ZONES, form_of(asked, ZONES, "UTC")),
        LineSplitter(),
        Transcoder(asked.encoding),
    )
    said: list[str] = []
    try:
        for start in range(0, len(body), HEAD):
            for line in lines.feed(transcoder.feed(body[start : start + HEAD])):
                said += [_say(reader.line, found) for found in reader.read(line)]
                lines.keep_blank = reader.within_quotes
        for line in (*lines.feed(transcoder.end()), *lines.end()):
            said += [_say(reader.line, found) for found in reader.read(line)]
        said += [_say(reader.line, found) for found in reader.end()]
    except BadHeader as error:
        return [f"refused: {error}"]
    return said


def _say(line: int, found: ClientNew | Rejected) -> str:
    if isinstance(found, Rejected):
        return f"line {found.line} refused: {found.detail}"
    given = found.model_dump(exclude_unset=True)
    phone = given.pop("phone")
    values = ", ".join(f"{name}={value!r}" for name, value in sorted(given.items()))
    return f"line {line}: {phone}{' ' if values else ''}{values}"
