"""POST /clients/import: reads the body as a stream, and stores it batch by batch, one transaction each."""

from collections.abc import Sequence

from aiohttp import web

from services.api.clients import store as clients
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.clients.import_ import store
from services.api.clients.import_.batch import Batch, ImportTally, OnConflict, StoredCounts, count
from services.api.clients.import_.lines import (
    BadHeader,
    BadLine,
    CsvReader,
    Line,
    LineReader,
    LineSplitter,
    NdjsonReader,
)
from services.api.clients.schemas import ImportQuery
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import MOST_CLIENTS, EditScope
from services.api.web.bodies import chunks, require_type
from services.api.web.context import pool_of, query_of, zones_of
from services.api.web.negotiation import CSV, NDJSON
from services.api.web.parsing import Zones
from services.api.web.problems import InvalidValue, invalid
from services.api.web.responses import reply
from shared import logs
from shared.database import Pool, retry_on_deadlock

# After this number of new clients the planner statistics of the table are out of date.
MANY_NEW_CLIENTS = 10_000


async def import_clients(request: web.Request) -> web.Response:
    query = query_of(request, ImportQuery)
    reader = _reader(require_type(request, (CSV, NDJSON)), zones_of(request))
    run, lines = RunningImport(pool_of(request), request.app[DEFAULT_ZONE], reader, query.on_conflict), LineSplitter()
    try:
        async for chunk in chunks(request):
            for line in lines.feed(chunk):
                run.take(line)
            await run.store_when_full()
        for line in lines.end():
            run.take(line)
        tally = await run.finish()
    except BadHeader as error:
        raise invalid(InvalidValue(("body",), str(error))) from None
    if run.moved:
        await pass_barrier(request, EditScope.of_clients(run.moved))
    logs.get().info("clients imported", created=tally.created, updated=tally.updated, rejected=tally.rejected)
    return reply(tally.report())


def _reader(media: str, zones: Zones) -> LineReader:
    return CsvReader(zones) if media == CSV else NdjsonReader(zones)


class RunningImport:
    """One running import. At most one batch and one chunk of it are in memory."""

    def __init__(self, pool: Pool, default_zone: str, reader: LineReader, on_conflict: OnConflict) -> None:
        self._pool = pool
        self._default_zone = default_zone
        self._reader = reader
        self._batch = Batch(on_conflict)
        self._tally = ImportTally()
        # Clients whose zone changed, as many as an edit names and one more.
        self.moved: set[int] = set()

    def take(self, line: Line) -> None:
        """Reads a line into the batch. A bad line is counted, and does not stop the import. Raises BadHeader."""
        try:
            client = self._reader.read(line)
        except BadLine as error:
            self._tally.reject(line.number, str(error))
            return
        if client is not None:
            self._batch.add(client)

    async def store_when_full(self) -> None:
        if self._batch.full:
            await self._store()

    async def finish(self) -> ImportTally:
        """Stores the rest. Raises BadHeader when the body has no header."""
        self._reader.end()
        if self._batch:
            await self._store()
        if self._tally.created >= MANY_NEW_CLIENTS:
            await store.refresh_statistics(self._pool)
        return self._tally

    async def _store(self) -> None:
        batch, self._batch = self._batch, Batch(self._batch.on_conflict)
        stored = await retry_on_deadlock(lambda: store_batch(self._pool, batch, self._default_zone))
        self.moved.update(stored.moved[: MOST_CLIENTS + 1 - len(self.moved)])
        count(self._tally, batch, stored)


async def store_batch(pool: Pool, batch: Batch, default_zone: str) -> StoredCounts:
    """Stores a batch in one transaction: updates or keeps the clients that exist, and creates the others."""
    columns, updated, moved = batch.columns(), list[int](), list[int]()
    async with pool.acquire() as connection, connection.transaction():
        if batch.on_conflict == "update":
            updated, moved = await store.update(connection, columns)
            if moved:
                await clients.make_flights_due(connection, moved)
        created = await store.insert(connection, columns, default_zone)
    if moved:
        await clients.make_flights_due(pool, moved)
    _log("created", created)
    _log("updated", updated)
    return StoredCounts(created=len(created), updated=len(updated), moved=tuple(moved))


def _log(change: str, client_ids: Sequence[int]) -> None:
    for ids in logs.in_lines(client_ids):
        logs.get().info("clients stored", change=change, client_ids=ids)
