"""The stop list: adds phones, one by one or from a file, lists, exports and removes them."""

from collections.abc import AsyncGenerator

from aiohttp import web

from services.api.access.places import EXPORTS
from services.api.audit.log import origin_of, record_export, record_other
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import EditScope
from services.api.stop_list import store
from services.api.stop_list.adding import ReadPhone, add_phones
from services.api.stop_list.guard import KEY, check_key, key_of
from services.api.stop_list.responses import Suppression, Suppressions
from services.api.stop_list.schemas import SuppressionExportQuery, SuppressionNew, SuppressionsQuery
from services.api.web import pages
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.negotiation import CSV
from services.api.web.problems import not_found
from services.api.web.reading.turns import TURNS, Turns
from services.api.web.responses import reply
from services.api.web.writing.csv_stream import CsvTable, block_of, join, stream
from shared import logs
from shared.database import Pool, retry_on_deadlock

KIND = "suppressions"
FIELDS = ("id", "client_id", "phone", "reason", "source", "since", "added_by")

log = logs.get()


async def create(request: web.Request) -> web.Response:
    """Adds a phone. One that is there stays as it is, and is answered with 200."""
    body = await read_body(request, SuppressionNew)
    phone = ReadPhone(body.phone, body.reason)
    made = await add_phones(pool_of(request), key_of(request), [phone], body.source, origin_of(request))
    await pass_barrier(request, EditScope.of_clients(made.client_ids))
    found = await store.get(pool_of(request), made.ids[0])
    if found is None:
        raise not_found("entry of the stop list")
    log.info("stop list changed", change="added", suppression_ids=made.ids, client_ids=made.client_ids)
    location = {"Location": f"{request.path}/{found.id}"}
    return reply(found, status=201, headers=location) if made.added else reply(found)


async def show(request: web.Request) -> web.Response:
    found = await store.get(pool_of(request), id_in(request, "suppression"))
    if found is None:
        raise not_found("entry of the stop list")
    return reply(found)


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, SuppressionsQuery)
    phone_hash = None
    if query.phone is not None:
        check_key(request.app[KEY], await store.key_check(pool_of(request)))
        key = request.app[KEY]
        # Without a key the list is empty.
        phone_hash = b"" if key is None else key.hash(query.phone)
    after = pages.position(query, KIND, start=0)
    found = await store.page(pool_of(request), phone_hash=phone_hash, after=after, limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda entry: entry.id)
    return pages.reply_page(request, Suppressions(items=items, next=following), following)


async def remove(request: web.Request) -> web.Response:
    """Removes an entry: mailings that start later reach the phone again."""
    suppression_id, pool = id_in(request, "suppression"), pool_of(request)

    async def work() -> bool:
        async with pool.acquire() as connection, connection.transaction():
            await store.lock(connection)
            removed = await store.remove(connection, suppression_id, origin_of(request))
            if removed:
                origin = origin_of(request)
                await record_other(connection, "stop_list_removed", origin, suppression_id=suppression_id)
            return removed

    if not await retry_on_deadlock(work):
        raise not_found("entry of the stop list")
    log.info("stop list changed", change="removed", suppression_ids=[suppression_id])
    return web.Response(status=204)


async def export(request: web.Request) -> web.StreamResponse:
    """Streams the list as CSV. Phones are there for those who are in the directory."""
    with request.app[EXPORTS].take(request):
        await record_export(request, pool_of(request), "stop_list")
        table = CsvTable(FIELDS, query_of(request, SuppressionExportQuery).spreadsheet)
        blocks = _blocks(pool_of(request), request.app[TURNS], table, block_of(request))
        return await stream(request, CSV, "stop-list.csv", blocks)


async def _blocks(pool: Pool, turns: Turns, table: CsvTable, size: int) -> AsyncGenerator[bytes]:
    head, after = table.header(), 0
    while True:
        found: list[Suppression] = await store.page(pool, phone_hash=None, after=after, limit=size)
        yield head + await join(turns, table.rows(entry.model_dump(mode="json") for entry in found))
        if len(found) < size:
            return
        head, after = b"", found[-1].id
