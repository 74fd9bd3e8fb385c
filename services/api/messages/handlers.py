"""Messages, read only: lists them, and shows one with its attempts."""

from collections.abc import AsyncGenerator

from aiohttp import web

from services.api.access.places import EXPORTS
from services.api.mailings import store as mailings
from services.api.messages import store
from services.api.messages.responses import Message, Messages
from services.api.messages.schemas import MessagesQuery
from services.api.web import pages
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.csv_stream import BLOCK, csv_block, stream
from services.api.web.negotiation import CSV, JSON, choose
from services.api.web.problems import not_found
from services.api.web.responses import reply
from shared.database import Pool

KIND = "messages"
FIELDS = tuple(Message.model_fields)


async def listing(request: web.Request) -> web.StreamResponse:
    """Returns a page as JSON, or everything after the cursor as CSV."""
    query, pool, mailing_id = query_of(request, MessagesQuery), pool_of(request), id_in(request, "mailing")
    after = pages.position(query, KIND, start=0)
    if not await mailings.exists(pool, mailing_id):
        raise not_found("mailing")
    if choose(request.headers.get("Accept"), (JSON, CSV)) == CSV:
        with request.app[EXPORTS].take(request):
            return await stream(request, CSV, "messages.csv", _blocks(pool, mailing_id, query.status, after))
    found = await store.page(pool, mailing_id, status=query.status, after=after, limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda message: message.id)
    return pages.reply_page(request, Messages(items=items, next=following), following)


async def show(request: web.Request) -> web.Response:
    message = await store.get(pool_of(request), id_in(request, "message"))
    if message is None:
        raise not_found("message")
    return reply(message)


async def _blocks(pool: Pool, mailing_id: int, status: str | None, after: int) -> AsyncGenerator[bytes]:
    header = True
    while True:
        found = await store.page(pool, mailing_id, status=status, after=after, limit=BLOCK)
        block = csv_block(FIELDS, (message.model_dump(mode="json") for message in found), header=header)
        last = len(found) < BLOCK
        after, header = (0 if last else found[-1].id), False
        # The rows take ten times the memory of the block, which may wait for its reader.
        del found
        yield block
        if last:
            return
