"""Segments: saves, shows, lists, changes, counts and deletes them."""

import asyncio

from aiohttp import web

from services.api.audit.log import origin_of, record_other
from services.api.segments import store
from services.api.segments.responses import Segment, Segments
from services.api.segments.schemas import SegmentNew, SegmentPatch, SegmentsQuery
from services.api.segments.tree import mailings_of, read_conditions
from services.api.web import pages
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.problems import InvalidValue, conflict, invalid, not_found
from services.api.web.responses import reply
from services.api.web.versions import Precondition, reply_version
from shared import logs
from shared.audience.conditions import Group
from shared.audience.reading import read_tree
from shared.database import Connection, Pool

KIND = "segments"
# Each count reads all clients. Only a few run at a time, so that most of the pool stays free for other requests.
MOST_AT_A_TIME = 2
COUNTING = web.AppKey("counting", asyncio.Semaphore)

log = logs.get()


async def create(request: web.Request) -> web.Response:
    body, pool = await read_body(request, SegmentNew), pool_of(request)
    raw = body.filter.raw()
    await require_mailings(pool, read_conditions(raw, "filter"))
    try:
        async with pool.acquire() as connection, connection.transaction():
            segment = await store.insert(connection, body.name, raw)
            await record_other(
                connection, "segment_created", origin_of(request), segment_id=segment.id, segment=segment.name
            )
    except store.DuplicateName:
        raise _taken() from None
    log.info("segment changed", change="created", segment_id=segment.id)
    return reply_version(segment, status=201, headers={"Location": f"{request.path}/{segment.id}"})


async def show(request: web.Request) -> web.Response:
    return reply_version(await _get(request))


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, SegmentsQuery)
    found = await store.page(pool_of(request), after=pages.position(query, KIND, start=0), limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda segment: segment.id)
    return pages.reply_page(request, Segments(items=items, next=following), following)


async def count(request: web.Request) -> web.Response:
    """Counts who matches a saved segment now."""
    segment, pool = await _get(request), pool_of(request)
    async with request.app[COUNTING]:
        return reply(await store.count(pool, read_tree(segment.filter), await store.clock(pool)))


async def patch(request: web.Request) -> web.Response:
    segment_id, body = id_in(request, "segment"), await read_body(request, SegmentPatch)
    pool, given = pool_of(request), body.model_fields_set
    raw = body.filter.raw() if body.filter is not None else None
    if raw is not None:
        await require_mailings(pool, read_conditions(raw, "filter"))
    async with pool.acquire() as connection, connection.transaction():
        segment = await store.lock(connection, segment_id)
        if segment is None:
            raise not_found("segment")
        Precondition(request).check(segment.updated_at)
        name = body.name if "name" in given else segment.name
        if (name, raw or segment.filter) == (segment.name, segment.filter):
            return reply_version(segment)
        try:
            segment = await store.update(connection, segment_id, name, raw or segment.filter)
        except store.DuplicateName:
            raise _taken() from None
        named = {"segment_id": segment_id, "segment": segment.name}
        await record_other(connection, "segment_updated", origin_of(request), fields=sorted(given), **named)
    log.info("segment changed", change="updated", segment_id=segment_id, fields=sorted(given))
    return reply_version(segment)


async def delete(request: web.Request) -> web.Response:
    segment_id = id_in(request, "segment")
    async with pool_of(request).acquire() as connection, connection.transaction():
        segment = await store.lock(connection, segment_id)
        if segment is None:
            raise not_found("segment")
        Precondition(request).check(segment.updated_at)
        if await store.is_awaited(connection, segment_id):
            raise conflict("A mailing that has not started uses the segment: change or cancel that first.")
        await store.delete(connection, segment_id)
        named = {"segment_id": segment_id, "segment": segment.name}
        await record_other(connection, "segment_deleted", origin_of(request), **named)
    log.info("segment changed", change="deleted", segment_id=segment_id)
    return web.Response(status=204)


async def require_mailings(connection: Connection | Pool, tree: Group | None) -> None:
    """Raises a 422 problem if a tree names a mailing that does not exist."""
    if tree is not None and (unknown := await store.unknown_mailings(connection, mailings_of(tree))):
        raise invalid(InvalidValue(("body", "filter"), f"names a mailing that does not exist: {unknown[0]}"))


async def _get(request: web.Request) -> Segment:
    segment = await store.get(pool_of(request), id_in(request, "segment"))
    if segment is None:
        raise not_found("segment")
    return segment


def _taken() -> Exception:
    return conflict("Another segment has this name.", code="name-taken")
