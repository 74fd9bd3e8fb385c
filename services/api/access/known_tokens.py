"""The tokens that are valid, as a copy of the table that is read again when it is too old for a request.

So a token works at once when it was created, stops working within half a second when it was revoked, and wrong tokens
cost ten short queries a second at most, however many come.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from services.api.access.identity import Identity
from services.api.web.problems import HttpProblem
from shared.database import DATABASE_OUTAGES

# The age up to which the copy answers for a token that it holds, and for one that it does not.
FRESH_SECONDS, UNKNOWN_SECONDS = 0.5, 0.1
# The age up to which it answers for a token that it holds while the database is unavailable.
STALE_SECONDS = 5.0
# How long a request waits for a newer copy while the old one may answer.
LENIENT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token that is neither revoked nor expired. `seconds_left` is None for one that does not expire."""

    hashed: bytes
    identity: Identity
    seconds_left: float | None


ReadTokens = Callable[[], Awaitable[Sequence[StoredToken]]]


@dataclass(frozen=True, slots=True)
class _KnownToken:
    identity: Identity
    expires_at: float


class KnownTokens:
    """The copy. `clock` returns seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: Mapping[bytes, _KnownToken] = {}
        self._read_at = -STALE_SECONDS
        self._reading = asyncio.Lock()

    async def find(self, hashed: bytes, read: ReadTokens) -> Identity | None:
        """Finds the identity of a token. `read` reads the table; its errors pass unless the copy may still answer."""
        begun = self._clock()
        await self._refresh(begun - FRESH_SECONDS, read, lenient=self._find(hashed) is not None)
        if self._find(hashed) is None:
            await self._refresh(begun - UNKNOWN_SECONDS, read, lenient=False)
        return self._find(hashed)

    def _find(self, hashed: bytes) -> Identity | None:
        found = self._tokens.get(hashed)
        return None if found is None or found.expires_at <= self._clock() else found.identity

    async def _refresh(self, least: float, read: ReadTokens, *, lenient: bool) -> None:
        """Reads the table unless the copy is from `least` or later. Of several callers, one reads for all."""
        async with self._reading:
            if self._read_at >= least:
                return
            moment = self._clock()
            try:
                async with asyncio.timeout(LENIENT_SECONDS if lenient else None):
                    stored = await read()
            except (HttpProblem, *DATABASE_OUTAGES):
                if lenient and moment - self._read_at < STALE_SECONDS:
                    return
                raise
            self._tokens = {token.hashed: _KnownToken(token.identity, _expiry(moment, token)) for token in stored}
            self._read_at = moment


def _expiry(moment: float, token: StoredToken) -> float:
    return float("inf") if token.seconds_left is None else moment + token.seconds_left
