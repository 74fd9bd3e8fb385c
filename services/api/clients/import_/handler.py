"""POST /clients/import: reads the body as a stream, and stores it batch by batch, one transaction each."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from services.api.audit.log import Origin, origin_of, record_other
from services.api.clients import store as clients
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.clients.import_ import store
from services.api.clients.import_.batch import Batch, ImportTally, OnConflict, StoredCounts, count
from services.api.clients.import_.csv_files.csv_reader import CsvReader
from services.api.clients.import_.csv_files.encodings import Transcoder
from services.api.clients.import_.errors import BadHeader, Rejected
from services.api.clients.import_.external_ids import ExternalIds, judge_external_ids
from services.api.clients.import_.lines import Line, LineSplitter
from services.api.clients.import_.parameters import ImportQuery, form_of
from services.api.clients.import_.readers import LineReader, NdjsonReader
from services.api.clients.import_.refusals import Refusals
from services.api.clients.schemas import ClientNew
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import MOST_CLIENTS, EditScope
from services.api.stop_list.guard import KEY, share_stop_list
from services.api.stop_list.keys import StopListKey
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
        if run.changed:
            await record_other(pool_of(request), "clients_imported", origin_of(request), **run.changed)
        if run.edited:
            await pass_barrier(request, EditScope.of_clients(run.edited))
    logs.get().info("clients imported", created=tally.created, updated=tally.updated, rejected=tally.rejected)
    return reply(tally.report())


async def _read(request: web.Request, run: "RunningImport") -> ImportTally:
    turns, lines, size = request.app[TURNS], LineSplitter(), 0
    transcoder = Transcoder(query_of(request, ImportQuery).encoding)
    try:
        async for chunk in chunks(request):
            size += len(chunk)
            await turns.run(run.take(lines, lines.feed(transcoder.feed(chunk))))
            refuse_excess(size, lines.number, "What came before was imported.")
            await run.store_when_full()
        await turns.run(run.take(lines, lines.feed(transcoder.end())))
        await turns.run(run.take(lines, lines.end()))
        await turns.run(run.end())
        return await run.finish()
    except BadHeader as error:
        raise invalid(InvalidValue(("body",), str(error))) from None


def _start(request: web.Request, query: ImportQuery) -> "RunningImport":
    # Clients that are generated from the API's document send files as bytes.
    media, zones = require_type(request, (CSV, NDJSON, BYTES)), zones_of(request)
    form = form_of(query, zones, request.app[DEFAULT_ZONE])
    target = ImportTarget(
        pool_of(request), form.default_zone, origin_of(request), request.app[KEY], default_tag=form.default_tag
    )
    if media == NDJSON:
        return RunningImport(target, NdjsonReader(zones), query.on_conflict)
    reader = CsvReader(zones, form)
    return RunningImport(target, reader, query.on_conflict, Refusals(reader) if query.refused else None)


def refuse_excess(size: int, lines: int, consequence: str) -> None:
    """Raises a 413 problem for a file that is too large. `consequence` is a sentence on what came before."""
    if size > MOST_BYTES or lines > MOST_LINES:
        detail = (
            f"A file may have {MOST_BYTES:,} bytes and {MOST_LINES:,} lines at most: send it in parts. {consequence}"
        )
        raise HttpProblem("body-too-large", detail)


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """Where an import stores its batches, on whose behalf, and with which defaults."""

    pool: Pool
    default_zone: str
    origin: Origin
    stop_list_key: StopListKey | None = None
    default_tag: str = ""


class RunningImport:
    """One running import. At most one batch and one chunk of it are in memory."""

    def __init__(
        self, target: ImportTarget, reader: LineReader, on_conflict: OnConflict, refusals: Refusals | None = None
    ) -> None:
        self._target = target
        self._reader = reader
        self._batch = Batch(on_conflict)
        self._tally = ImportTally(refusals)
        self._moments: list[datetime] = []
        # Clients whose zone or attributes changed, as many as an edit names and one more.
        self.edited: set[int] = set()

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

    @property
    def changed(self) -> dict[str, int]:
        """How many clients were created and updated so far; empty if none was."""
        tally = self._tally
        return {"created": tally.created, "updated": tally.updated} if tally.created or tally.updated else {}

    async def store_when_full(self) -> None:
        if self._batch.full:
            await self._store()

    async def finish(self) -> ImportTally:
        """Stores the rest."""
        if self._batch:
            await self._store()
        if self._tally.created >= MANY_NEW_CLIENTS:
            await store.refresh_statistics(self._target.pool)
        return self._tally

    def _add(self, found: ClientNew | Rejected) -> None:
        if isinstance(found, Rejected):
            self._tally.reject(found)
        else:
            self._batch.add(found, self._reader.line, self._reader.cells if self._tally.refusals is not None else ())

    async def _store(self) -> None:
        batch, self._batch = self._batch, Batch(self._batch.on_conflict)
        stored, moment = await retry_on_deadlock(lambda: store_batch(self._target, batch, self._moments))
        self._moments.append(moment)
        self.edited.update(stored.edited[: MOST_CLIENTS + 1 - len(self.edited)])
        count(self._tally, batch, stored)


async def store_batch(target: ImportTarget, batch: Batch, moments: Sequence[datetime]) -> tuple[StoredCounts, datetime]:
    """Stores a batch in one transaction: updates or keeps the clients that exist, and creates the others.

    `moments` are those of the earlier batches of the import; that of this one is returned.
    """
    overfull: set[str] = set()
    while True:
        try:
            return await _store_batch(target, batch, moments, overfull)
        except clients.DuplicateExternalId:
            # Another request took an external id after this one had looked, and has committed: the next look finds it.
            logs.get().info("batch stored again", detail="an external id was taken meanwhile")
        except KeepsExternalId as error:
            overfull.update(error.phones)


class KeepsExternalId(Exception):
    """Clients who were to give up their external ids to others are left as they are: nothing of the batch is stored."""

    def __init__(self, phones: Collection[str]) -> None:
        super().__init__("rows that give up external ids have too many attributes")
        self.phones = phones


async def _store_batch(
    target: ImportTarget, batch: Batch, moments: Sequence[datetime], overfull: Collection[str]
) -> tuple[StoredCounts, datetime]:
    """Stores a batch without the rows that are known to be `overfull`."""
    updated, ids = store.Updated(), ExternalIds()
    async with target.pool.acquire() as connection, connection.transaction():
        hashes = await share_stop_list(connection, target.stop_list_key, list(batch.rows))
        batch = batch.without(overfull) if overfull else batch
        columns = batch.columns()
        if columns.external_ids:
            ids = judge_external_ids(batch, await store.read_external_ids(connection, columns))
        if ids.taken or overfull:
            batch = batch.without(ids.taken)
            columns, hashes = batch.columns(), await share_stop_list(connection, target.stop_list_key, list(batch.rows))
        if batch.on_conflict == "update":
            if ids.freed:
                await store.free_external_ids(connection, ids.freed)
            updated = await store.update(connection, columns, target.origin, moments)
            if kept := set(ids.freed).intersection(updated.overfull):
                raise KeepsExternalId(kept)
            if updated.edited:
                await clients.make_flights_due(connection, updated.edited)
        created = await store.insert(
            connection, columns, target.default_zone, target.origin, hashes, default_tag=target.default_tag
        )
        moment = await store.moment(connection)
    if updated.edited:
        await clients.make_flights_due(target.pool, updated.edited)
    _log("created", created)
    _log("updated", updated.changed)
    counts = StoredCounts(
        len(created),
        updated.rewritten,
        updated.unchanged,
        updated.repeated,
        edited=tuple(updated.edited),
        taken=ids.taken,
        overfull=(*updated.overfull, *overfull),
    )
    return counts, moment


def _log(change: str, client_ids: Sequence[int]) -> None:
    for ids in logs.in_lines(client_ids):
        logs.get().info("clients stored", change=change, client_ids=ids)
