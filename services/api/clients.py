"""The directory: one client at a time, and its list."""

from aiohttp import web
from structlog.contextvars import bind_contextvars

from services.api import answers, paging
from services.api.bodies import read_body
from services.api.errors import conflict, not_found
from services.api.schemas import ClientNew, ClientPatch, ClientsQuery
from services.api.state import State, id_in, query_of, state_of
from services.api.store import clients as store
from shared.database import collide_again

KIND = "clients"


async def create(request: web.Request) -> web.Response:
    state = state_of(request)
    body = await read_body(request, ClientNew)
    phone, operator_code, tag, zone = with_defaults(body, state.default_zone)
    try:
        client = await store.insert(state.pool, phone, operator_code, tag, zone)
    except store.DuplicatePhone:
        raise _duplicate() from None
    bind_contextvars(client_id=client.id)
    return paging.reply(client, status=201, headers={"Location": f"{request.path}/{client.id}"})


async def show(request: web.Request) -> web.Response:
    client = await store.get(state_of(request).pool, id_in(request, "client"))
    if client is None:
        raise not_found("client")
    return paging.reply(client)


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, ClientsQuery)
    found = await store.page(
        state_of(request).pool,
        phone=query.phone,
        operator_code=query.operator_code,
        tag=query.tag,
        after=paging.position(query, KIND, start=0),
        limit=query.limit + 1,
    )
    items, following = paging.cut(found, query.limit, KIND, lambda client: client.id)
    return paging.reply_page(request, answers.Clients(items=items, next=following), following)


async def patch(request: web.Request) -> web.Response:
    client_id = id_in(request, "client")
    body = await read_body(request, ClientPatch)
    given = body.model_dump(exclude_unset=True)
    if not given:
        return await show(request)
    return paging.reply(
        await _write(
            state_of(request),
            client_id,
            phone=given.get("phone"),
            operator_code=given.get("operator_code"),
            tag=given.get("tag"),
            zone=given.get("timezone"),
        )
    )


async def replace(request: web.Request) -> web.Response:
    state, client_id = state_of(request), id_in(request, "client")
    body = await read_body(request, ClientNew)
    phone, operator_code, tag, zone = with_defaults(body, state.default_zone)
    return paging.reply(await _write(state, client_id, phone=phone, operator_code=operator_code, tag=tag, zone=zone))


async def delete(request: web.Request) -> web.Response:
    if not await store.delete(state_of(request).pool, id_in(request, "client")):
        raise not_found("client")
    return web.Response(status=204)


def with_defaults(body: ClientNew, default_zone: str) -> tuple[str, str, str, str]:
    """Phone, operator code, tag and zone, where what was left out has its default."""
    return body.phone, body.operator_code or body.phone[1:4], body.tag, body.timezone or default_zone


async def _write(
    state: State, client_id: int, *, phone: str | None, operator_code: str | None, tag: str | None, zone: str | None
) -> answers.Client:
    """Set what is not None; a new zone also has the client's waiting flights judged anew."""

    async def work() -> answers.Client | None:
        async with state.pool.acquire() as connection, connection.transaction():
            client = await store.update(connection, client_id, phone, operator_code, tag, zone)
            if client is not None and zone is not None:
                await store.judge_flights_anew(connection, [client_id])
            return client

    try:
        client = await collide_again(work)
    except store.DuplicatePhone:
        raise _duplicate() from None
    if client is None:
        raise not_found("client")
    if zone is not None:
        await store.judge_flights_anew(state.pool, [client_id])
    return client


def _duplicate() -> Exception:
    return conflict("Another client has this phone.")
