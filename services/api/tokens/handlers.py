"""Tokens, for admins: lists, creates and revokes them."""

from aiohttp import web

from services.api.access.tokens import create_token
from services.api.audit import log as audit
from services.api.tokens import store
from services.api.tokens.responses import MadeToken, TokensShown
from services.api.tokens.schemas import TokenNew, TokensQuery
from services.api.web import pages
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.cursors import MAX_ID
from services.api.web.problems import conflict, not_found
from services.api.web.responses import reply
from shared import logs

KIND = "tokens"

log = logs.get()


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, TokensQuery)
    before = pages.position(query, KIND, start=MAX_ID)
    found = await store.page(pool_of(request), before=before, limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda token: token.id)
    return pages.reply_page(request, TokensShown(items=items, next=following), following)


async def create(request: web.Request) -> web.Response:
    """Answers with the secret, which nobody can read again."""
    body = await read_body(request, TokenNew)
    plain, hashed = create_token()
    async with pool_of(request).acquire() as connection, connection.transaction():
        try:
            made = await store.insert(connection, body.name, body.role, hashed, body.expires_at)
        except store.TokenNameTaken:
            raise conflict("A token has or had this name.", code="token-name-taken") from None
        await audit.record_other(connection, "token_created", audit.origin_of(request), whose=made.name, role=made.role)
    log.info("token created", whose=made.name, role=made.role)
    shown = MadeToken(**made.model_dump(), token=plain)
    return reply(shown, status=201, headers={"Cache-Control": "no-store"})


async def revoke(request: web.Request) -> web.Response:
    token_id = id_in(request, "token")
    async with pool_of(request).acquire() as connection, connection.transaction():
        name = await store.revoke(connection, token_id)
        if name is None:
            raise not_found("token")
        await audit.record_other(connection, "token_revoked", audit.origin_of(request), whose=name)
    log.info("token revoked", whose=name)
    return web.Response(status=204)
