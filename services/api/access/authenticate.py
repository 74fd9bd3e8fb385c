"""Finds out whose request it is, from its Authorization header."""

import hmac
import time
from collections.abc import Awaitable, Callable

from services.api.access.tokens import ANYBODY, BOOTSTRAP, Identity, hash_token
from services.api.web.problems import unauthorized

CACHE_SECONDS = 5.0

Lookup = Callable[[bytes], Awaitable[Identity | None]]


def bearer(header: str | None) -> str:
    """Takes the token out of an Authorization header. Raises a 401 problem when there is none."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("Send a token: Authorization: Bearer TOKEN.")
    return token.strip()


class WrongToken(Exception):
    """A token was sent, and it is nobody's: unknown, expired or revoked."""


class Authenticator:
    """Knows ADMIN_TOKEN and asks `lookup` for the others, remembering a good answer for 5 s.

    So a revoked token dies within 5 s, and a busy client costs one look-up in that time. Unknown tokens are not
    remembered: guessing must not fill the memory.
    """

    def __init__(self, *, required: bool, admin_token: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._required = required
        self._admin = None if admin_token is None else hash_token(admin_token)
        self._clock = clock
        self._known: dict[bytes, tuple[Identity, float]] = {}

    async def identify(self, header: str | None, lookup: Lookup) -> Identity:
        """Returns whose token it is. Raises a 401 problem without a token, and WrongToken."""
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
