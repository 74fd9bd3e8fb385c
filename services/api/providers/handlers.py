"""Providers: lists them, and for admins drains, resumes and has their file read again."""

from aiohttp import web

from services.api.audit.log import OtherChange, origin_of, record_other
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import EditScope
from services.api.providers import store
from services.api.providers.responses import ProviderShown, ProvidersShown, Reloaded
from services.api.web.context import pool_of
from services.api.web.problems import not_found
from services.api.web.responses import reply
from shared import logs

log = logs.get()


async def listing(request: web.Request) -> web.Response:
    return reply(ProvidersShown(items=await store.list_all(pool_of(request))))


async def drain(request: web.Request) -> web.Response:
    """Answers when no request to the provider can begin any more."""
    return reply(await _set_drained(request, drained=True))


async def resume(request: web.Request) -> web.Response:
    return reply(await _set_drained(request, drained=False))


async def reload(request: web.Request) -> web.Response:
    await record_other(pool_of(request), "providers_reloaded", origin_of(request))
    return reply(Reloaded(dispatchers=await store.ask_to_reload(pool_of(request))), status=202)


async def _set_drained(request: web.Request, *, drained: bool) -> ProviderShown:
    pool, name = pool_of(request), request.match_info["provider"]
    if not await store.is_known(pool, name):
        raise not_found("provider")
    async with pool.acquire() as connection, connection.transaction():
        changed = await store.set_drained(connection, name, drained=drained)
        if changed:
            kind: OtherChange = "provider_drained" if drained else "provider_resumed"
            await record_other(connection, kind, origin_of(request), provider=name)
    if changed:
        if drained:
            log.warning("provider drained", provider=name)
        else:
            log.info("provider resumed", provider=name)
    await pass_barrier(request, EditScope())
    found = [shown for shown in await store.list_all(pool) if shown.name == name]
    return found[0] if found else store.unused(name)
