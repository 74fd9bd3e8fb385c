"""What happened to a mailing or a client, in time order."""

from aiohttp import web

from services.api import answers
from services.api.audit import store
from services.api.audit.store import START, Place
from services.api.clients import store as clients
from services.api.mailings import store as mailings
from services.api.schemas import PageQuery
from services.api.web import cursors, pages
from services.api.web.context import id_in, query_of, state_of
from services.api.web.cursors import BadCursor
from services.api.web.problems import not_found

OF_MAILINGS, OF_CLIENTS = "mailingevents", "clientevents"


async def of_mailing(request: web.Request) -> web.Response:
    query, pool, mailing_id = query_of(request, PageQuery), state_of(request).pool, id_in(request, "mailing")
    after = pages.position(query, OF_MAILINGS, start=0)
    if not await mailings.exists(pool, mailing_id):
        raise not_found("mailing")
    found = await store.of_mailing(pool, mailing_id, after=after, limit=query.limit + 1)
    rows, following = pages.cut(found, query.limit, OF_MAILINGS, lambda row: row[0])
    return pages.reply_page(request, answers.Events(items=[event for _, event in rows], next=following), following)


async def of_client(request: web.Request) -> web.Response:
    query, pool, client_id = query_of(request, PageQuery), state_of(request).pool, id_in(request, "client")
    after = _place(query)
    if await clients.get(pool, client_id) is None:
        raise not_found("client")
    found = await store.of_client(pool, client_id, after=after, limit=query.limit + 1)
    items = [row.event for row in found[: query.limit]]
    following = _cursor(found[query.limit - 1].place) if len(found) > query.limit else None
    return pages.reply_page(request, answers.Events(items=items, next=following), following)


def _place(query: PageQuery) -> Place:
    if query.cursor is None:
        return START
    try:
        at_us, rank, number = cursors.decode_key(OF_CLIENTS, query.cursor, 3)
    except BadCursor:
        raise pages.wrong_cursor() from None
    return Place(at_us, min(rank, 2**31 - 1), number)


def _cursor(place: Place) -> str:
    return cursors.encode(OF_CLIENTS, place.at_us, place.rank, place.number)
