"""Looks at queues and tables every few seconds, for the metrics alone."""

import asyncio
import math
from collections.abc import Awaitable, Sequence

from services.planner.flow_control import Rate
from services.planner.forecast import Load, messages_at_risk
from services.planner.handler import repeat
from services.planner.metrics import Meters
from services.planner.store import figures
from services.planner.store.figures import Unsent
from shared import logs
from shared.broker import Publisher, Unpublished
from shared.database import DATABASE_OUTAGES, Pool
from shared.health import Pulse

QUEUES_SECONDS = 5.0
# Counting what waits may read an index entry a message, so it is done less often.
TABLES_SECONDS = 10.0
# Long enough that a pause between two retries is not taken for a standstill.
RATE_SECONDS = 60.0
OPEN_STATUSES = ("scheduled", "running", "paused", "cancelled")

log = logs.get()


class Watch:
    """Shows what is seen, and nothing rather than what was seen before: a figure out of date is worse than none."""

    def __init__(self, pool: Pool, publisher: Publisher, queues: Sequence[str], meters: Meters) -> None:
        self._pool, self._publisher, self._queues, self._meters = pool, publisher, queues, meters
        self._rate = Rate(RATE_SECONDS)

    def tasks(self) -> list[Awaitable[None]]:
        return [
            repeat("look at queues", self.look_at_queues, asyncio.Event(), Pulse()),
            repeat("look at tables", self.look_at_tables, asyncio.Event(), Pulse()),
        ]

    async def look_at_queues(self) -> float:
        try:
            depths = await self._publisher.look_into(self._queues)
        except Unpublished as error:
            log.debug("queues not seen", detail=str(error))
            depths = {}
        self._meters.queue_ready.clear()
        self._meters.queue_consumers.clear()
        for queue, depth in depths.items():
            self._meters.queue_ready.labels(queue).set(depth.ready)
            self._meters.queue_consumers.labels(queue).set(depth.consumers)
        return QUEUES_SECONDS

    async def look_at_tables(self) -> float:
        try:
            progress = await figures.read_progress(self._pool)
            unsent, mailings = await figures.list_unsent(self._pool), await figures.count_mailings(self._pool)
        except DATABASE_OUTAGES:
            self._forget()
            raise
        self._rate.observe(asyncio.get_running_loop().time(), progress.results)
        self._meters.fence_age.set(math.nan if progress.fence_age is None else progress.fence_age)
        for status in OPEN_STATUSES:
            self._meters.mailings.labels(status).set(mailings.get(status, 0))
        self._show_unsent(unsent)
        return TABLES_SECONDS

    def _show_unsent(self, unsent: Sequence[Unsent]) -> None:
        loads = [Load(max(one.unsent - one.waiting, 0), one.seconds_left) for one in unsent]
        self._meters.unsent.labels("ready").set(sum(load.ready for load in loads))
        self._meters.unsent.labels("waiting").set(sum(one.waiting for one in unsent))
        self._meters.at_risk.set(messages_at_risk(loads, self._rate.a_second))

    def _forget(self) -> None:
        self._meters.mailings.clear()
        self._meters.unsent.clear()
        self._meters.fence_age.set(math.nan)
        self._meters.at_risk.set(math.nan)
