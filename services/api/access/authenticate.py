"""Identifies the caller of a request by its Authorization header."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from services.api.access import store
from services.api.access.identity import ANYBODY, BOOTSTRAP, IDENTITY, NOBODY, Identity
from services.api.access.known_tokens import KnownTokens, ReadTokens, StoredToken
from services.api.access.origin import refuse_foreign
from services.api.access.rate_limit import address_of, count_wrong_token, may_record_refusal
from services.api.access.tokens import hash_token
from services.api.access.use import TokenUse
from services.api.web.context import LOG_FIELDS, REQUEST_ID, pool_of
from services.api.web.problems import unauthorized

# The index of the API needs no token: it names no more than the public document does.
INDEX = "/api/"


def bearer(header: str | None) -> str:
    """Extracts the token from an Authorization header. Raises a 401 problem when there is none."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("token-missing", "Send a token: Authorization: Bearer TOKEN.")
    return token.strip()


class WrongToken(Exception):
    """The token of a request is unknown, expired or revoked."""


class Authenticator:
    """Identifies tokens: HERALD_ADMIN_TOKEN directly, all others by a copy of the table."""

    def __init__(self, *, required: bool, admin_token: str | None, tokens: KnownTokens | None = None) -> None:
        self.required = required
        self._admin = None if admin_token is None else hash_token(admin_token)
        self._tokens = tokens or KnownTokens()
        self.use = TokenUse()

    async def identify(self, header: str | None, read: ReadTokens) -> Identity:
        """Returns the identity of a token. Raises a 401 problem without a token, and WrongToken."""
        if not self.required:
            return ANYBODY
        hashed = hash_token(bearer(header))
        if self._admin is not None and hmac.compare_digest(hashed, self._admin):
            return BOOTSTRAP
        identity = await self._tokens.find(hashed, read)
        if identity is None:
            raise WrongToken
        self.use.note(identity.name)
        return identity


AUTHENTICATOR = web.AppKey("authenticator", Authenticator)
# Finds whose session the cookie of a request is. None where nobody signs in with a session.
IdentifySession = Callable[[web.Request], Awaitable[Identity | None]]
SESSIONS = web.AppKey[IdentifySession]("sessions")


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Identifies the caller before the body is read, also on paths under /api that do not exist."""
    if request.path.startswith("/api/") and request.path != INDEX:
        identity = await _identify(request)
        request[IDENTITY] = identity
        request[LOG_FIELDS]["by"] = identity.name
    return await handler(request)


async def _identify(request: web.Request) -> Identity:
    async def read() -> list[StoredToken]:
        return await store.valid_tokens(pool_of(request))

    authenticator = request.app[AUTHENTICATOR]
    if not authenticator.required:
        refuse_foreign(request)
    if authenticator.required and "Authorization" not in request.headers and SESSIONS in request.app:
        person = await request.app[SESSIONS](request)
        if person is not None:
            return person
    try:
        return await authenticator.identify(request.headers.get("Authorization"), read)
    except WrongToken:
        count_wrong_token(request)
        if may_record_refusal(request):
            told = {"by": NOBODY, "address": address_of(request)}
            await store.add_refusal(pool_of(request), request[REQUEST_ID], told)
        raise unauthorized("token-refused", "The token is unknown, expired or revoked.") from None
