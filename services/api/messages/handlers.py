"""Messages, read only: lists them, and shows one with its attempts."""

from collections.abc import AsyncGenerator

from aiohttp import web

from services.api.access.identity import at_work
from services.api.access.places import EXPORTS
from services.api.audit import log as audit
from services.api.clients import store as clients
from services.api.mailings import store as mailings
from services.api.messages import store
from services.api.messages.responses import Message, Messages, MessagesOfClient
from services.api.messages.schemas import MessagesQuery
from services.api.web import pages
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.cursors import MAX_ID
from services.api.web.negotiation import CSV, JSON, choose
from services.api.web.problems import not_found
from services.api.web.queries import PageQuery
from services.api.web.reading.turns import TURNS, Turns
from services.api.web.responses import reply
from services.api.web.writing.csv_stream import CsvTable, block_of, join, stream
from shared.database import Pool
from shared.statuses import UNSENT_STATUSES, Delivery

KIND, KIND_OF_CLIENT = "messages", "clientmessages"
FIELDS = tuple(Message.model_fields)


async def listing(request: web.Request) -> web.StreamResponse:
    """Returns a page as JSON, or everything after the cursor as CSV."""
    query, pool, mailing_id = query_of(request, MessagesQuery), pool_of(request), id_in(request, "mailing")
    after = pages.position(query, KIND, start=0)
    if not await mailings.exists(pool, mailing_id):
        raise not_found("mailing")
    if choose(request.headers.get("Accept"), (JSON, CSV)) == CSV:
        table = CsvTable(FIELDS, query.spreadsheet)
        with request.app[EXPORTS].take(request):
            await audit.record_export(request, pool, "messages", mailing_id=mailing_id)
            blocks = _blocks(pool, request.app[TURNS], mailing_id, query, table, after, block_of(request))
            return await stream(request, CSV, "messages.csv", blocks)
    async with at_work(request):
        found = await _page(pool, mailing_id, query, after, query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda message: message.id)
    return pages.reply_page(request, Messages(items=items, next=following), following)


async def _page(pool: Pool, mailing_id: int, query: MessagesQuery, after: int, limit: int) -> list[Message]:
    if query.phone is None and query.client_id is None:
        if query.delivery is not None:
            return await _of_delivery(pool, mailing_id, query, query.delivery, after, limit)
        return await store.page(
            pool, mailing_id, statuses=query.statuses, reason=query.reason, after=after, limit=limit
        )
    client_id = query.client_id
    if query.phone is not None:
        client_id = await clients.find_by_phone(pool, query.phone)
    if client_id is None or query.client_id not in {None, client_id}:
        return []
    found = await store.of_client(pool, mailing_id, client_id)
    return [message for message in found if message.id > after and _matches(message, query)]


async def _of_delivery(
    pool: Pool, mailing_id: int, query: MessagesQuery, delivery: Delivery, after: int, limit: int
) -> list[Message]:
    """Lists messages by what receipts say. All of them are sent, and no sent message has a reason."""
    if query.reason is not None or "sent" not in (query.statuses or ["sent"]):
        return []
    return await store.page_of_delivery(pool, mailing_id, delivery, after=after, limit=limit)


def _matches(message: Message, query: MessagesQuery) -> bool:
    if query.delivery not in {None, message.delivery}:
        return False
    if query.statuses and message.status not in query.statuses:
        return False
    return query.reason is None or (message.reason == query.reason and message.status in UNSENT_STATUSES)


async def to_client(request: web.Request) -> web.Response:
    """Returns a page of the messages to a client, the newest mailing first."""
    query, pool, client_id = query_of(request, PageQuery), pool_of(request), id_in(request, "client")
    before = pages.position(query, KIND_OF_CLIENT, start=MAX_ID)
    if await clients.get(pool, client_id) is None:
        raise not_found("client")
    found = await store.to_client(pool, client_id, before=before, limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND_OF_CLIENT, lambda message: message.mailing_id)
    return pages.reply_page(request, MessagesOfClient(items=items, next=following), following)


async def show(request: web.Request) -> web.Response:
    message = await store.get(pool_of(request), id_in(request, "message"))
    if message is None:
        raise not_found("message")
    return reply(message)


async def _blocks(
    pool: Pool, turns: Turns, mailing_id: int, query: MessagesQuery, table: CsvTable, after: int, size: int
) -> AsyncGenerator[bytes]:
    head = table.header()
    while True:
        found = await _page(pool, mailing_id, query, after, size)
        rows = await join(turns, table.rows(message.model_dump(mode="json") for message in found))
        # The header comes with the first rows, so that an outage of the database can still be answered with a problem.
        block, last, head = head + rows, len(found) < size, b""
        after = 0 if last else found[-1].id
        # The rows take ten times the memory of the block, which may wait for its reader.
        del found
        yield block
        if last:
            return
