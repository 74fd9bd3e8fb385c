"""GET /events: what happened to everything, the newest first, as JSON in pages or as one CSV."""

from collections.abc import AsyncGenerator

import orjson
from aiohttp import web

from services.api.access.identity import at_work
from services.api.access.places import EXPORTS
from services.api.audit import log, store
from services.api.audit.responses import AllEvents, AnyEvent
from services.api.audit.schemas import EventsQuery
from services.api.audit.store import EventFilter
from services.api.web import pages
from services.api.web.context import pool_of, query_of
from services.api.web.cursors import MAX_ID
from services.api.web.negotiation import CSV, JSON, choose
from services.api.web.reading.turns import TURNS, Turns
from services.api.web.writing.csv_stream import CsvTable, block_of, join, stream
from shared.database import Pool

KIND = "allevents"
FIELDS = ("id", "at", "kind", "by", "mailing_id", "client_id", "request_id", "detail")


async def listing(request: web.Request) -> web.StreamResponse:
    query = query_of(request, EventsQuery)
    wanted = EventFilter(query.by, query.kind, query.since, query.until)
    if choose(request.headers.get("Accept"), (JSON, CSV)) == CSV:
        with request.app[EXPORTS].take(request):
            await log.record_export(request, pool_of(request), "events")
            blocks = _blocks(pool_of(request), request.app[TURNS], wanted, query, block_of(request))
            return await stream(request, CSV, "events.csv", blocks)
    before = pages.position(query, KIND, start=MAX_ID)
    async with at_work(request):
        found = await store.list_all(pool_of(request), wanted, before=before, limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda event: event.id)
    return pages.reply_page(request, AllEvents(items=items, next=following), following)


async def _blocks(
    pool: Pool, turns: Turns, wanted: EventFilter, query: EventsQuery, size: int
) -> AsyncGenerator[bytes]:
    table, before = CsvTable(FIELDS, query.spreadsheet), MAX_ID
    head = table.header()
    while True:
        found = await store.list_all(pool, wanted, before=before, limit=size)
        yield head + await join(turns, table.rows(_row(event) for event in found))
        head = b""
        if len(found) < size:
            return
        before = found[-1].id


def _row(event: AnyEvent) -> dict[str, object]:
    return {**event.model_dump(mode="json"), "detail": orjson.dumps(event.detail).decode()}
