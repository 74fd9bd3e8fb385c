"""Identifies the caller of a request by its Authorization header."""

import hmac
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from services.api.access import store
from services.api.access.identity import ANYBODY, BOOTSTRAP, IDENTITY, Identity
from services.api.access.rate_limit import count_wrong_token
from services.api.access.tokens import hash_token
from services.api.web.context import LOG_FIELDS, pool_of
from services.api.web.problems import unauthorized

CACHE_SECONDS = 5.0
# The index of the API needs no token: it names no more than the public document does.
INDEX = "/api/"

Lookup = Callable[[bytes], Awaitable[Identity | None]]


def bearer(header: str | None) -> str:
    """Extracts the token from an Authorization header. Raises a 401 problem when there is none."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("Send a token: Authorization: Bearer TOKEN.")
    return token.strip()


class WrongToken(Exception):
    """The token of a request is unknown, expired or revoked."""


class Authenticator:
    """Identifies tokens: HERALD_ADMIN_TOKEN directly, all others with a look-up that is cached for 5 s.

    A revoked token therefore stops working within 5 s, and a busy client costs one look-up in that time. Unknown tokens
    are not cached, so that guesses do not fill the memory.
    """

    def __init__(self, *, required: bool, admin_token: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._required = required
        self._admin = None if admin_token is None else hash_token(admin_token)
        self._clock = clock
        self._known: dict[bytes, tuple[Identity, float]] = {}

    async def identify(self, header: str | None, lookup: Lookup) -> Identity:
        """Returns the identity of a token. Raises a 401 problem without a token, and WrongToken."""
        if not self._required:
            return ANYBODY
        hashed = hash_token(bearer(header))
        if self._admin is not None and hmac.compare_digest(hashed, self._admin):
            return BOOTSTRAP
        identity = self._remembered(hashed) or await lookup(hashed)
        if identity is None:
            raise WrongToken
        self._known.setdefault(hashed, (identity, self._clock() + CACHE_SECONDS))
        return identity

    def _remembered(self, hashed: bytes) -> Identity | None:
        identity, until = self._known.get(hashed, (None, 0.0))
        if identity is not None and self._clock() >= until:
            del self._known[hashed]
            return None
        return identity


AUTHENTICATOR = web.AppKey("authenticator", Authenticator)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Identifies the caller before the body is read, also on paths under /api that do not exist."""
    if request.path.startswith("/api/") and request.path != INDEX:
        identity = await _identify(request)
        request[IDENTITY] = identity
        request[LOG_FIELDS]["by"] = identity.name
    return await handler(request)


async def _identify(request: web.Request) -> Identity:
    async def lookup(hashed: bytes) -> Identity | None:
        return await store.find(pool_of(request), hashed)

    try:
        return await request.app[AUTHENTICATOR].identify(request.headers.get("Authorization"), lookup)
    except WrongToken:
        count_wrong_token(request)
        raise unauthorized("The token is unknown, expired or revoked.") from None
