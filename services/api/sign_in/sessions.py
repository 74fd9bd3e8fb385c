"""GET /sessions and DELETE /sessions/{id}: what admins do about the sessions of others."""

from aiohttp import web

from services.api.access.identity import IDENTITY
from services.api.sign_in import events, store
from services.api.sign_in.responses import Sessions
from services.api.web.context import id_in, pool_of
from services.api.web.problems import not_found
from services.api.web.responses import reply


async def listing(request: web.Request) -> web.Response:
    found = await store.list_sessions(pool_of(request))
    return reply(Sessions(items=found))


async def revoke(request: web.Request) -> web.Response:
    by = request[IDENTITY].name
    session_id = id_in(request, "session")
    name = await store.revoke_session(pool_of(request), session_id, by)
    if name is None:
        raise not_found("session")
    await events.record(pool_of(request), request, "session_revoked", by, session_id=session_id, whose=name)
    return web.Response(status=204)
