"""The directory: handles one client at a time, and lists."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace as replace_values

from aiohttp import web
from structlog.contextvars import bind_contextvars

from services.api.audit import store as audit
from services.api.audit.log import origin_of, record_client_update
from services.api.audit.responses import Events
from services.api.audit.store import START, EventPlace
from services.api.clients import store
from services.api.clients.responses import Client, Clients
from services.api.clients.schemas import ClientNew, ClientPatch, ClientsQuery, read_external_id
from services.api.clients.values import ClientValues, apply_patch, changed_fields, values_of, with_defaults
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import EditScope
from services.api.stop_list.guard import KEY, share_stop_list
from services.api.web import cursors, pages
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.cursors import BadCursor
from services.api.web.problems import InvalidValue, conflict, invalid, not_found
from services.api.web.queries import PageQuery
from services.api.web.route import PREFIX
from services.api.web.versions import Precondition, reply_version
from shared import logs
from shared.database import retry_on_deadlock

KIND, KIND_OF_SEARCH, EVENTS_KIND = "clients", "clientsearch", "clientevents"

# The time zone of clients that come without one.
DEFAULT_ZONE = web.AppKey("default_zone", str)

log = logs.get()


async def create(request: web.Request) -> web.Response:
    body = await read_body(request, ClientNew)
    with _conflicts():
        return await _create(request, with_defaults(body, request.app[DEFAULT_ZONE]))


async def show(request: web.Request) -> web.Response:
    client = await store.get(pool_of(request), id_in(request, "client"))
    if client is None:
        raise not_found("client")
    return reply_version(client)


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, ClientsQuery)
    found = await store.page(
        pool_of(request),
        phone=query.phone,
        operator_code=query.operator_code,
        tag=query.tag,
        external_id=query.external_id,
        part=query.q,
        after=pages.position(query, KIND if query.q is None else KIND_OF_SEARCH, start=0),
        limit=query.limit + 1,
    )
    items, following = pages.cut(
        found, query.limit, KIND if query.q is None else KIND_OF_SEARCH, lambda client: store.place_of(client, query.q)
    )
    return pages.reply_page(request, Clients(items=items, next=following), following)


async def patch(request: web.Request) -> web.Response:
    client_id = id_in(request, "client")
    body = await read_body(request, ClientPatch)
    given = body.model_dump(exclude_unset=True)
    if given:
        with _conflicts():
            return _reply(await _write(request, client_id, lambda before: apply_patch(before, given)))
    await pass_barrier(request, EditScope.of_clients([client_id]))
    return await show(request)


async def replace(request: web.Request) -> web.Response:
    client_id = id_in(request, "client")
    body = await read_body(request, ClientNew)
    values = with_defaults(body, request.app[DEFAULT_ZONE])
    with _conflicts():
        return _reply(await _write(request, client_id, lambda _: values))


async def replace_by_external_id(request: web.Request) -> web.Response:
    """Replaces the client that has this external id, or creates one."""
    body = await read_body(request, ClientNew)
    external_id = read_external_id(request.match_info["external_id"])
    if body.external_id not in (None, external_id):
        raise invalid(InvalidValue(("body", "external_id"), "must be the one in the path, or left out"))
    values = replace_values(with_defaults(body, request.app[DEFAULT_ZONE]), external_id=external_id)
    with _conflicts():
        return await _put(request, external_id, values)


async def _put(request: web.Request, external_id: str, values: ClientValues) -> web.Response:
    """Creates a client or replaces the one there is, anew whenever another request gave the id to another client."""

    def change(before: ClientValues) -> ClientValues:
        if before.external_id != external_id:
            raise store.DuplicateExternalId
        return values

    client_id = await store.find_by_external_id(pool_of(request), external_id)
    while True:
        try:
            if client_id is None:
                return await _create(request, values)
            client, error = await _write(request, client_id, change), None
            if client is not None:
                return reply_version(client)
        except (store.DuplicatePhone, store.DuplicateExternalId) as found:
            error = found
        before, client_id = client_id, await store.find_by_external_id(pool_of(request), external_id)
        if error is not None and client_id == before:
            raise error


async def delete(request: web.Request) -> web.Response:
    client_id = id_in(request, "client")
    deleted = await _delete(request, client_id)
    if deleted:
        log.info("client changed", change="deleted")
    await pass_barrier(request, EditScope.of_clients([client_id]))
    if not deleted:
        raise not_found("client")
    return web.Response(status=204)


async def events(request: web.Request) -> web.Response:
    query, pool, client_id = query_of(request, PageQuery), pool_of(request), id_in(request, "client")
    after = _place(query)
    if await store.get(pool, client_id) is None:
        raise not_found("client")
    found = await audit.of_client(pool, client_id, after=after, limit=query.limit + 1)
    items = [row.event for row in found[: query.limit]]
    following = _cursor(found[query.limit - 1].place) if len(found) > query.limit else None
    return pages.reply_page(request, Events(items=items, next=following), following)


def _place(query: PageQuery) -> EventPlace:
    if query.cursor is None:
        return START
    try:
        at_us, rank, number = cursors.decode_key(EVENTS_KIND, query.cursor, 3)
    except BadCursor:
        raise pages.wrong_cursor() from None
    return EventPlace(at_us, min(rank, 2**31 - 1), number)


def _cursor(place: EventPlace) -> str:
    return cursors.encode(EVENTS_KIND, place.at_us, place.rank, place.number)


async def _create(request: web.Request, values: ClientValues) -> web.Response:
    """Raises DuplicatePhone and DuplicateExternalId."""
    key = request.app[KEY]
    async with pool_of(request).acquire() as connection, connection.transaction():
        hashes = await share_stop_list(connection, key, [values.phone])
        client = await store.insert(connection, origin_of(request), values, hashes[0] if hashes else None)
    bind_contextvars(client_id=client.id)
    log.info("client changed", change="created")
    return reply_version(client, status=201, headers={"Location": f"{PREFIX}/clients/{client.id}"})


async def _write(request: web.Request, client_id: int, change: Callable[[ClientValues], ClientValues]) -> Client | None:
    """Writes the values that a change makes of those there are, if they differ. Returns None if there is no client.

    A new time zone also makes the client's waiting flights due. Raises DuplicatePhone and DuplicateExternalId.
    """
    pool, key = pool_of(request), request.app[KEY]

    async def work() -> tuple[Client | None, list[str]]:
        async with pool.acquire() as connection, connection.transaction():
            client = await store.lock(connection, client_id)
            if client is None:
                return None, []
            Precondition(request).check(client.updated_at)
            before = values_of(client)
            after = _changed(change, before)
            fields, hashes = changed_fields(before, after), None
            if "phone" in fields:
                hashes = await share_stop_list(connection, key, [after.phone])
            if fields:
                client = await store.update(connection, client_id, after, hashes[0] if hashes else None)
                if "timezone" in fields:
                    await store.make_flights_due(connection, [client_id])
                await record_client_update(connection, client_id, origin_of(request), fields)
            return client, fields

    client, fields = await retry_on_deadlock(work)
    if fields:
        if "timezone" in fields:
            await store.make_flights_due(pool, [client_id])
        log.info("client changed", change="updated", fields=sorted(fields))
    await pass_barrier(request, EditScope.of_clients([client_id]))
    return client


def _reply(client: Client | None) -> web.Response:
    if client is None:
        raise not_found("client")
    return reply_version(client)


def _changed(change: Callable[[ClientValues], ClientValues], before: ClientValues) -> ClientValues:
    try:
        return change(before)
    except ValueError as error:
        raise invalid(InvalidValue(("body", "attributes"), str(error))) from None


async def _delete(request: web.Request, client_id: int) -> bool:
    async with pool_of(request).acquire() as connection, connection.transaction():
        client = await store.lock(connection, client_id)
        if client is not None:
            Precondition(request).check(client.updated_at)
        return await store.delete(connection, client_id, origin_of(request))


@contextmanager
def _conflicts() -> Iterator[None]:
    """Raises a 409 problem where another client has the phone or the external id."""
    try:
        yield
    except store.DuplicateExternalId:
        raise conflict("Another client has this external id.", code="external-id-taken") from None
    except store.DuplicatePhone:
        raise conflict("Another client has this phone.", code="phone-taken") from None
