"""The stop list: adds phones, one by one or from a file, lists, exports and removes them."""

from collections.abc import AsyncGenerator

from aiohttp import web

from services.api.access.places import EXPORTS
from services.api.audit.log import origin_of, record_other
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import MOST_CLIENTS, EditScope
from services.api.stop_list import store
from services.api.stop_list.adding import add_phones
from services.api.stop_list.file import BATCH, PhoneFile, ReadPhone
from services.api.stop_list.guard import KEY, check_key
from services.api.stop_list.keys import StopListKey
from services.api.stop_list.responses import Suppression, SuppressionImport, Suppressions
from services.api.stop_list.schemas import SuppressionImportQuery, SuppressionNew, SuppressionsQuery
from services.api.stop_list.store import AddedPhones
from services.api.web import pages
from services.api.web.bodies import chunks, read_body, require_type
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.negotiation import BYTES, CSV
from services.api.web.problems import HttpProblem, not_found
from services.api.web.reading.turns import TURNS, Turns
from services.api.web.responses import reply
from services.api.web.writing.csv_stream import BLOCK, CsvTable, join, stream
from shared import logs
from shared.database import Pool, retry_on_deadlock

KIND = "suppressions"
FIELDS = ("id", "client_id", "phone", "reason", "source", "since", "added_by")

log = logs.get()


async def create(request: web.Request) -> web.Response:
    """Adds a phone. One that is there stays as it is, and is answered with 200."""
    body = await read_body(request, SuppressionNew)
    phone = ReadPhone(body.phone, body.reason)
    made = await add_phones(pool_of(request), _key(request), [phone], body.source, origin_of(request))
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


async def import_phones(request: web.Request) -> web.Response:
    """Adds the phones of a CSV, which is read as a stream and stored in batches."""
    require_type(request, (CSV, BYTES))
    query, key, turns = query_of(request, SuppressionImportQuery), _key(request), request.app[TURNS]
    file, added, present, concerned = PhoneFile(query.reason), 0, 0, set[int]()
    try:
        async for chunk in chunks(request):
            await turns.run(file.feed(chunk))
            while len(file.read) >= BATCH:
                made, size = await _store(request, key, file)
                added, present = added + made.added, present + size - made.added
                concerned.update(made.client_ids[: MOST_CLIENTS + 1 - len(concerned)])
        await turns.run(file.end())
        while file.read:
            made, size = await _store(request, key, file)
            added, present = added + made.added, present + size - made.added
            concerned.update(made.client_ids[: MOST_CLIENTS + 1 - len(concerned)])
    finally:
        # Also after a refusal: the batches before it are stored.
        if added:
            await record_other(pool_of(request), "stop_list_added", origin_of(request), source="file", added=added)
        if concerned:
            await pass_barrier(request, EditScope.of_clients(concerned))
    log.info("stop list imported", added=added, present=present, rejected=file.rejected)
    report = SuppressionImport(added=added, present=present, rejected=file.rejected, errors=file.errors)
    return reply(report)


async def _store(request: web.Request, key: StopListKey, file: PhoneFile) -> tuple[AddedPhones, int]:
    batch = file.take()
    return await add_phones(pool_of(request), key, batch, "file", origin_of(request)), len(batch)


async def export(request: web.Request) -> web.StreamResponse:
    """Streams the list as CSV. Phones are there for those who are in the directory."""
    with request.app[EXPORTS].take(request):
        await record_other(pool_of(request), "exported", origin_of(request), what="stop_list")
        return await stream(request, CSV, "stop-list.csv", _blocks(pool_of(request), request.app[TURNS]))


async def _blocks(pool: Pool, turns: Turns) -> AsyncGenerator[bytes]:
    table, after = CsvTable(FIELDS), 0
    head = table.header()
    while True:
        found: list[Suppression] = await store.page(pool, phone_hash=None, after=after, limit=BLOCK)
        yield head + await join(turns, table.rows(entry.model_dump(mode="json") for entry in found))
        if len(found) < BLOCK:
            return
        head, after = b"", found[-1].id


def _key(request: web.Request) -> StopListKey:
    key = request.app[KEY]
    if key is None:
        raise HttpProblem("stop-list-unreadable", "HERALD_STOP_LIST_KEY is not set: the stop list needs it.")
    return key
