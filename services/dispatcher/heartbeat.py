"""The beat by which a dispatcher shows that it is alive, so that its claims are not taken over."""

import asyncio
from datetime import timedelta

from services.dispatcher import store
from services.dispatcher.attempt import AttemptRunner
from services.dispatcher.worker_name import WorkerName
from shared import logs
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse

BEAT_SECONDS = 1.0
# A name is silent for this long before its claims are stale, and for the time that a request may take.
LEASE = timedelta(seconds=5)
GRACE = timedelta(seconds=2)

log = logs.get()


class Heartbeat:
    """The beat of this process. It marks its names as alive, and reads how many retries wait on the broker.

    `sending` is false while the process consumes no jobs; the sweeper of the planner reads it.
    """

    def __init__(self, pool: Pool, name: WorkerName, runner: AttemptRunner, provider_timeout: float) -> None:
        self._pool = pool
        self._name = name
        self._runner = runner
        self._stale_after = LEASE + timedelta(seconds=provider_timeout) + GRACE
        self.sending = True
        self.pulse = Pulse()

    async def run(self) -> None:
        """Beats every second until cancelled."""
        while True:
            self.pulse.beat()
            try:
                self._runner.queued_retries = await store.beat(
                    self._pool, self._name.alive, self.sending, self._stale_after
                )
            except DATABASE_OUTAGES as error:
                log.warning("heartbeat delayed", detail=describe(error))
            await asyncio.sleep(BEAT_SECONDS)
