"""What a running import holds: a batch of clients, each phone once, and the counts so far."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from services.api.clients.import_.errors import Rejected
from services.api.clients.import_.refusals import Refusals
from services.api.clients.import_.store import ClientColumns
from services.api.clients.responses import ImportReport, LineError
from services.api.clients.schemas import ClientNew

OnConflict = Literal["update", "skip"]
BATCH = 1000
MAX_LINE_ERRORS = 100
TAKEN = "external_id: another client has it"
OVERFULL = "attributes: with those there are, they would be too many or too long"


@dataclass(slots=True)
class ImportTally:
    refusals: Refusals | None = None
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    repeated: int = 0
    rejected: int = 0
    errors: list[LineError] = field(default_factory=list)

    def reject(self, rejected: Rejected) -> None:
        """Counts a bad line. Only the first ones are reported by number, unless all of them are asked for."""
        self.rejected += 1
        if self.refusals is not None:
            self.refusals.add(rejected)
        if len(self.errors) < MAX_LINE_ERRORS:
            self.errors.append(LineError(line=rejected.line, detail=rejected.detail))

    def report(self) -> ImportReport:
        return ImportReport(
            created=self.created,
            updated=self.updated,
            unchanged=self.unchanged,
            skipped=self.skipped,
            repeated=self.repeated,
            rejected=self.rejected,
            errors=self.errors,
            refused_csv=None if self.refusals is None else self.refusals.text(),
            refused_left_out=0 if self.refusals is None else self.refusals.left_out,
        )


@dataclass(slots=True)
class Batch:
    """A batch of rows by phone, each a dict of the given fields, and the lines they came from.

    A phone that occurs twice conflicts with itself."""

    on_conflict: OnConflict
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    # As they stand in the file; only where refused lines are given back.
    cells: dict[str, Sequence[str]] = field(default_factory=dict)
    repeated: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def full(self) -> bool:
        return len(self.rows) >= BATCH

    def add(self, client: ClientNew, line: int = 0, cells: Sequence[str] = ()) -> None:
        """Adds a row of the file, which begins in this line."""
        given = given_values(client)
        earlier = self.rows.get(client.phone)
        if earlier is None:
            self.rows[client.phone] = given
        else:
            self.repeated += 1
            if self.on_conflict != "update":
                return
            _merge(earlier, given)
        self.lines[client.phone] = line
        if cells:
            self.cells[client.phone] = cells

    def refuse(self, phone: str, detail: str) -> Rejected:
        """Returns the refusal of a row that could not be stored."""
        return Rejected(self.lines[phone], detail, self.cells.get(phone, ()))

    def columns(self) -> ClientColumns:
        rows = list(self.rows.values())
        return ClientColumns(
            phones=list(self.rows),
            operator_codes=[row.get("operator_code") for row in rows],
            tags=[row.get("tag") for row in rows],
            timezones=[row.get("timezone") for row in rows],
            further_tags=_json_column(rows, "further_tags"),
            external_ids=_column(rows, "external_id"),
            attributes=_json_column(rows, "attributes"),
            replaces_attributes=_column(rows, "replaces_attributes"),
        )

    def without(self, phones: Iterable[str]) -> "Batch":
        """Returns the batch without these phones."""
        out = set(phones)
        left = {phone: row for phone, row in self.rows.items() if phone not in out}
        return Batch(self.on_conflict, left, self.lines, self.cells, self.repeated)


def given_values(client: ClientNew) -> dict[str, Any]:
    """Returns the fields of a row that were given, as they are stored: `tags` are the first and the further ones."""
    given = {name: getattr(client, name) for name in client.model_fields_set}
    if "tags" in given:
        tags = given.pop("tags")
        given["tag"], given["further_tags"] = (tags[0] if tags else ""), tags[1:]
    if "external_id" in given:
        given["external_id"] = given["external_id"] or ""
    return given


def _merge(earlier: dict[str, Any], given: dict[str, Any]) -> None:
    """Adds a later row of the same phone."""
    if "further_tags" in earlier and "further_tags" not in given and "tag" in given:
        tag = given["tag"]
        given["further_tags"] = [other for other in earlier["further_tags"] if other != tag] if tag else []
    if "attributes" in earlier and "attributes" in given and not given.get("replaces_attributes"):
        given["attributes"] = {**earlier["attributes"], **given["attributes"]}
    earlier.update(given)


def _column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """Returns a column; an empty one if no row has it, which costs the database nothing."""
    return [row.get(name) for row in rows] if any(name in row for row in rows) else []


def _json_column(rows: list[dict[str, Any]], name: str) -> list[str | None]:
    return [None if value is None else orjson.dumps(value).decode() for value in _column(rows, name)]


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What became of a batch: each client is counted once.

    `edited` are the ids of those whose zone or attributes changed. `taken` and `overfull` are phones that were left as
    they are: another client has the external id, or there would be too many attributes.
    """

    created: int
    updated: int
    unchanged: int
    repeated: int
    edited: tuple[int, ...] = ()
    taken: tuple[str, ...] = ()
    overfull: tuple[str, ...] = ()


def count(tally: ImportTally, batch: Batch, stored: StoredCounts) -> None:
    """Adds a stored batch to the counts. A client that was created or deleted concurrently counts as skipped."""
    tally.created += stored.created
    tally.updated += stored.updated
    tally.unchanged += stored.unchanged
    tally.repeated += batch.repeated + stored.repeated
    for phone in stored.taken:
        tally.reject(batch.refuse(phone, TAKEN))
    for phone in stored.overfull:
        tally.reject(batch.refuse(phone, OVERFULL))
    refused = len(stored.taken) + len(stored.overfull)
    tally.skipped += len(batch) - stored.created - stored.updated - stored.unchanged - stored.repeated - refused
