"""POST /clients/import: reads the body as a stream, and stores it batch by batch, one transaction each."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from aiohttp import web

from services.api.audit.log import Origin, origin_of
from services.api.clients import store as clients
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.clients.import_ import store
from services.api.clients.import_.batch import Batch, ImportTally, OnConflict, StoredCounts, count
from services.api.clients.import_.lines import Line, LineSplitter
from services.api.clients.import_.readers import BadHeader, CsvReader, LineReader, NdjsonReader, Rejected
from services.api.clients.schemas import ClientNew, ImportQuery
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import MOST_CLIENTS, EditScope
from services.api.web.bodies import chunks, require_type
from services.api.web.context import pool_of, query_of, zones_of
from services.api.web.negotiation import BYTES, CSV, NDJSON
from services.api.web.problems import HttpProblem, InvalidValue, invalid
from services.api.web.reading.turns import TURNS
from services.api.web.responses import reply
from shared import logs
from shared.database import Pool, retry_on_deadlock

# A file with more is sent in parts: without a bound, one request could take hours.
MOST_BYTES, MOST_LINES = 1024**3, 10_000_000
# After this number of new clients the planner statistics of the table are out of date.
MANY_NEW_CLIENTS = 10_000


async def import_clients(request: web.Request) -> web.Response:
    run = _start(request, query_of(request, ImportQuery))
    try:
        tally = await _read(request, run)
    finally:
        # Also after a refusal: the batches before it are stored.
        if run.moved:
            await pass_barrier(request, EditScope.of_clients(run.moved))
    logs.get().info("clients imported", created=tally.created, updated=tally.updated, rejected=tally.rejected)
    return reply(tally.report())


async def _read(request: web.Request, run: "RunningImport") -> ImportTally:
    turns, lines, size = request.app[TURNS], LineSplitter(), 0
    try:
        async for chunk in chunks(request):
            size += len(chunk)
            await turns.run(run.take(lines, lines.feed(chunk)))
            _refuse_excess(size, lines.number)
            await run.store_when_full()
        await turns.run(run.take(lines, lines.end()))
        await turns.run(run.end())
        return await run.finish()
    except BadHeader as error:
        raise invalid(InvalidValue(("body",), str(error))) from None


def _start(request: web.Request, query: ImportQuery) -> "RunningImport":
    # Clients that are generated from the API's document send files as bytes.
    media, zones = require_type(request, (CSV, NDJSON, BYTES)), zones_of(request)
    default_zone = request.app[DEFAULT_ZONE]
    reader = NdjsonReader(zones) if media == NDJSON else CsvReader(zones, default_zone, query.on_empty)
    return RunningImport(pool_of(request), default_zone, reader, query.on_conflict, origin_of(request))


def _refuse_excess(size: int, lines: int) -> None:
    if size > MOST_BYTES or lines > MOST_LINES:
        detail = (
            f"A file may have {MOST_BYTES:,} bytes and {MOST_LINES:,} lines at most: send it in parts. "
            "What came before was imported."
        )
        raise HttpProblem("body-too-large", detail)


class RunningImport:
    """One running import. At most one batch and one chunk of it are in memory."""

    def __init__(
        self, pool: Pool, default_zone: str, reader: LineReader, on_conflict: OnConflict, origin: Origin
    ) -> None:
        self._pool = pool
        self._default_zone = default_zone
        self._reader = reader
        self._origin = origin
        self._batch = Batch(on_conflict)
        self._tally = ImportTally()
        self._moments: list[datetime] = []
        # Clients whose zone changed, as many as an edit names and one more.
        self.moved: set[int] = set()

    def take(self, splitter: LineSplitter, lines: Iterator[Line]) -> Iterator[None]:
        """Reads lines into the batch, one at a step. A bad line is counted, and does not stop it. Raises BadHeader."""
        for line in lines:
            for found in self._reader.read(line):
                self._add(found)
            splitter.keep_blank = self._reader.within_quotes
            yield

    def end(self) -> Iterator[None]:
        """Reads what the end of the body completes. Raises BadHeader when the body has no header."""
        for found in self._reader.end():
            self._add(found)
            yield

    async def store_when_full(self) -> None:
        if self._batch.full:
            await self._store()

    async def finish(self) -> ImportTally:
        """Stores the rest."""
        if self._batch:
            await self._store()
        if self._tally.created >= MANY_NEW_CLIENTS:
            await store.refresh_statistics(self._pool)
        return self._tally

    def _add(self, found: ClientNew | Rejected) -> None:
        if isinstance(found, Rejected):
            self._tally.reject(found)
        else:
            self._batch.add(found)

    async def _store(self) -> None:
        batch, self._batch = self._batch, Batch(self._batch.on_conflict)
        stored, moment = await retry_on_deadlock(
            lambda: store_batch(self._pool, batch, self._default_zone, self._origin, self._moments)
        )
        self._moments.append(moment)
        self.moved.update(stored.moved[: MOST_CLIENTS + 1 - len(self.moved)])
        count(self._tally, batch, stored)


async def store_batch(
    pool: Pool, batch: Batch, default_zone: str, origin: Origin, moments: Sequence[datetime]
) -> tuple[StoredCounts, datetime]:
    """Stores a batch in one transaction: updates or keeps the clients that exist, and creates the others.

    `moments` are those of the earlier batches of the import; that of this one is returned.
    """
    columns, updated = batch.columns(), store.Updated()
    async with pool.acquire() as connection, connection.transaction():
        if batch.on_conflict == "update":
            updated = await store.update(connection, columns, origin, moments)
            if updated.moved:
                await clients.make_flights_due(connection, updated.moved)
        created = await store.insert(connection, columns, default_zone, origin)
        moment = await store.moment(connection)
    if updated.moved:
        await clients.make_flights_due(pool, updated.moved)
    _log("created", created)
    _log("updated", updated.changed)
    counts = StoredCounts(
        len(created), updated.rewritten, updated.unchanged, updated.repeated, moved=tuple(updated.moved)
    )
    return counts, moment


def _log(change: str, client_ids: Sequence[int]) -> None:
    for ids in logs.in_lines(client_ids):
        logs.get().info("clients stored", change=change, client_ids=ids)
