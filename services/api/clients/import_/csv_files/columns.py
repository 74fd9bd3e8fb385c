"""The columns of a CSV: which field each one holds, and how a row of cells becomes a client. Pure."""

import re
import string
from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from services.api.clients.import_.csv_files import phones
from services.api.clients.import_.csv_files.dialect import DELIMITERS, SEPARATORS, CsvForm
from services.api.clients.import_.csv_files.phones import Unrepairable
from services.api.clients.import_.csv_files.records import OpenQuote, split_cells
from services.api.clients.import_.csv_files.targets import FIELDS, REFUSED_COLUMNS, is_target, read_target
from services.api.clients.import_.csv_files.zone_names import ZoneNames
from services.api.clients.import_.errors import BadHeader, BadLine, first_error
from services.api.clients.schemas import ClientNew
from services.api.web.reading.parsing import Zones

_HARMLESS = frozenset(string.ascii_letters + "_- ")
_LONGEST_NAME = 32
_BREAK = re.compile(r"\s*[\r\n]\s*")
UNKNOWN_ZONE = (
    "timezone: must be an IANA time zone such as Europe/Moscow, MSK, or an offset of whole hours such as UTC+3"
)
# The columns whose cells hold more than one value.
_STRUCTURED = frozenset({"tags", "attributes"})


class Columns:
    """What each column of one file holds: a field, an attribute, or nothing."""

    def __init__(self, targets: Sequence[str | None], source: str) -> None:
        named = [(place, name) for place, name in enumerate(targets) if name is not None]
        self._width = len(targets)
        self._source = source
        self._fields = [(place, name) for place, name in named if name in FIELDS]
        self._attributes = [(place, read_target(name)) for place, name in named if name not in FIELDS]
        self.names = frozenset(name for _, name in self._fields)

    def given(self, cells: Sequence[str], *, clear: bool, breaks: bool) -> dict[str, Any]:
        """Returns the values of a row by field, without the empty ones. Raises BadLine for a wrong number of cells.

        With `clear`, an empty attribute is None, which removes it. With `breaks`, some cells hold line breaks.
        """
        if len(cells) != self._width:
            raise BadLine(self._wrong_count(cells))
        given: dict[str, Any] = {name: cells[place] for place, name in self._fields if cells[place]}
        for name in _STRUCTURED.intersection(given):
            given[name] = _structured(name, given[name])
        if self._attributes:
            # No attribute can hold a line break. In an address people mean a blank; elsewhere it is a mistake.
            whole = [_BREAK.sub(" ", cell) for cell in cells] if breaks else cells
            self._add_attributes(given, whole, clear=clear)
        return given

    def _add_attributes(self, given: dict[str, Any], cells: Sequence[str], *, clear: bool) -> None:
        attributes = {
            target.name: target.value(cells[place]) if cells[place] else None
            for place, target in self._attributes
            if cells[place] or clear
        }
        if attributes:
            whole = given.get("attributes", {})
            given["attributes"] = {**whole, **attributes} if isinstance(whole, dict) else whole

    def _wrong_count(self, cells: Sequence[str]) -> str:
        count = len(cells)
        detail = f"it has {count} {'value' if count == 1 else 'values'} where the {self._source} names {self._width}"
        if count == 1:
            for separator, name in SEPARATORS.items():
                if separator in cells[0]:
                    return f"{detail}: the values are separated by {name}"
        return detail


class RowReader:
    """Makes clients of rows, by the form of their file."""

    def __init__(self, columns: Columns, form: CsvForm, zones: Zones) -> None:
        self._columns = columns
        self._form = form
        self._zones = zones
        self._zone_names = ZoneNames(zones)
        self._context = {"zones": zones}

    def read(self, cells: Sequence[str], *, breaks: bool = False) -> ClientNew:
        """Returns the client of a row. Raises BadLine with the reason why there is none."""
        given = self._columns.given(cells, clear=self._form.on_empty == "clear", breaks=breaks)
        if self._form.phones == "repair" and "phone" in given:
            given["phone"] = self._repaired(given["phone"])
        if given.get("timezone", "") not in self._zones and "timezone" in given:
            given["timezone"] = self._zone(given["timezone"])
        try:
            client = ClientNew.model_validate(given, context=self._context)
        except ValidationError as error:
            raise BadLine(_reason(error, given)) from None
        return client if self._form.on_empty == "keep" else self._cleared(client, given)

    def _zone(self, text: str) -> str:
        zone = self._zone_names.read(text)
        if zone is None:
            raise BadLine(UNKNOWN_ZONE)
        return zone

    @staticmethod
    def _repaired(phone: str) -> str:
        try:
            return phones.repair(phone)
        except Unrepairable as error:
            raise BadLine(f"phone: {error}") from None

    def _cleared(self, client: ClientNew, given: dict[str, Any]) -> ClientNew:
        """Sets the default of each column that is empty in this row."""
        form = self._form
        defaults: dict[str, Any] = {
            "operator_code": client.phone[1:4],
            "tag": form.default_tag,
            "tags": [form.default_tag] if form.default_tag else [],
            "timezone": form.default_zone,
            "external_id": None,
        }
        names = self._columns.names
        cleared = {name: value for name, value in defaults.items() if name in names and name not in given}
        if given.get("tag") and "tags" in cleared:
            # The column of all tags is empty, and that of the first is not.
            del cleared["tags"]
        return client.model_copy(update=cleared) if cleared else client


def from_header(cells: Sequence[str], separator: str) -> Columns:
    """Returns the columns that a header names. Raises BadHeader, with the remedy."""
    names = [name.lower() for name in cells]
    if len(names) == 1:
        refuse_other_separator(names[0], separator)
    targets = [None if name in REFUSED_COLUMNS else name for name in names]
    for place, name in enumerate(targets, 1):
        if name is None:
            continue
        if not is_target(name):
            raise BadHeader(f"{_name_column(place, name)} is unknown: the columns are {', '.join(FIELDS)}")
        if names.count(name) > 1:
            raise BadHeader(f"the column {name} is named twice")
    if "phone" not in names:
        raise BadHeader("the column phone is missing: the first line must name the columns")
    return Columns(targets, "header")


def from_map(targets: Sequence[str | None], cells: Sequence[str] | None) -> Columns:
    """Returns the columns that a map names. `cells` is the header, if the file has one, which must be as wide."""
    if cells is None:
        return Columns(targets, "map")
    whole = list(targets)
    if tuple(name.lower() for name in cells[len(targets) :]) == REFUSED_COLUMNS:
        whole += [None] * len(REFUSED_COLUMNS)
    if len(whole) != len(cells):
        raise BadHeader(f"the map names {len(targets)} columns where the first line has {len(cells)}")
    return Columns(whole, "map")


def refuse_other_separator(name: str, separator: str) -> None:
    """Raises BadHeader for a header that has another separator than the file is said to have."""
    for other, said in SEPARATORS.items():
        if other != separator and other in name:
            named = next((word for word, character in DELIMITERS.items() if character == other), None)
            remedy = f"give delimiter={named}, or " if named else ""
            raise BadHeader(f"the columns are separated by {said}: {remedy}separate them by {SEPARATORS[separator]}")


def _name_column(place: int, name: str) -> str:
    """Names a column by its place, and by its name unless that may be a value of a client."""
    if name and len(name) <= _LONGEST_NAME and _HARMLESS.issuperset(name):
        return f"column {place} ({name})"
    return f"column {place}"


def _structured(name: str, cell: str) -> object:
    """Reads a cell with several tags, separated by commas, or with attributes as a JSON object."""
    if name == "tags":
        try:
            return [tag for tag in split_cells(cell, ",") if tag]
        except OpenQuote:
            raise BadLine("tags: a quote is not closed") from None
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        raise BadLine("attributes: must be a JSON object") from None


def _reason(error: ValidationError, given: dict[str, Any]) -> str:
    """Says why a row is no client; of a phone that a spreadsheet has changed, how."""
    reason = first_error(error)
    if "phone" in given and reason.startswith("phone: "):
        try:
            phones.refuse_numbers(given["phone"])
        except Unrepairable as known:
            return f"phone: {known}"
    return reason
