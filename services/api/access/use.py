"""Remembers which tokens were used, and stores that once a minute, so that it costs a request next to nothing."""

import asyncio
from contextlib import suppress

from services.api.access import store
from shared.database import DATABASE_OUTAGES, Pool

STORE_SECONDS = 60.0


class TokenUse:
    """The names of the tokens that were used since the last time that was stored."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def note(self, name: str) -> None:
        self._names.add(name)

    async def store(self, pool: Pool) -> None:
        """Stores the use of the noted tokens. Raises DATABASE_OUTAGES, and keeps them then."""
        names = sorted(self._names)
        if names:
            await store.mark_used(pool, names)
            self._names.difference_update(names)

    async def run(self, pool: Pool) -> None:
        """Stores every minute, until cancelled."""
        while True:
            await asyncio.sleep(STORE_SECONDS)
            with suppress(*DATABASE_OUTAGES):
                await self.store(pool)
