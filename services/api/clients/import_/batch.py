"""What a running import holds: a batch of clients, each phone once, and the counts so far."""

from dataclasses import dataclass, field
from typing import Literal

from services.api.clients.import_.readers import Rejected
from services.api.clients.import_.store import ClientColumns
from services.api.clients.responses import ImportReport, LineError
from services.api.clients.schemas import ClientNew

OnConflict = Literal["update", "skip"]
BATCH = 5000
MAX_LINE_ERRORS = 100


@dataclass(slots=True)
class ImportTally:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    repeated: int = 0
    rejected: int = 0
    errors: list[LineError] = field(default_factory=list)

    def reject(self, rejected: Rejected) -> None:
        """Counts a bad line. Only the first ones are reported by number."""
        self.rejected += 1
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
        )


@dataclass(slots=True)
class Batch:
    """A batch of rows by phone, each a dict of the given fields. A phone that occurs twice conflicts with itself."""

    on_conflict: OnConflict
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    repeated: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def full(self) -> bool:
        return len(self.rows) >= BATCH

    def add(self, client: ClientNew) -> None:
        given = {name: getattr(client, name) for name in client.model_fields_set}
        earlier = self.rows.get(client.phone)
        if earlier is None:
            self.rows[client.phone] = given
            return
        self.repeated += 1
        if self.on_conflict == "update":
            earlier.update(given)

    def columns(self) -> ClientColumns:
        rows = list(self.rows.values())
        return ClientColumns(
            phones=list(self.rows),
            operator_codes=[row.get("operator_code") for row in rows],
            tags=[row.get("tag") for row in rows],
            timezones=[row.get("timezone") for row in rows],
        )


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What became of a batch: each client is counted once. `moved` are the ids of those whose zone changed."""

    created: int
    updated: int
    unchanged: int
    repeated: int
    moved: tuple[int, ...] = ()


def count(tally: ImportTally, batch: Batch, stored: StoredCounts) -> None:
    """Adds a stored batch to the counts. A client that was created or deleted concurrently counts as skipped."""
    tally.created += stored.created
    tally.updated += stored.updated
    tally.unchanged += stored.unchanged
    tally.repeated += batch.repeated + stored.repeated
    tally.skipped += len(batch) - stored.created - stored.updated - stored.unchanged - stored.repeated
