"""How many retries wait on the broker, counted in the table now and then."""

import asyncio

from services.dispatcher.claims import store
from shared import logs
from shared.database import DATABASE_OUTAGES, Pool, describe

COUNT_SECONDS = 2.0

log = logs.get()


class QueuedRetries:
    """The number of flights that wait in the retry queues, a few seconds old."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.count = 0

    async def run(self) -> None:
        """Counts every two seconds until cancelled. While the database is away the last number stands."""
        while True:
            try:
                self.count = await store.count_queued_retries(self._pool)
            except DATABASE_OUTAGES as error:
                log.debug("retries not counted", detail=describe(error))
            await asyncio.sleep(COUNT_SECONDS)
