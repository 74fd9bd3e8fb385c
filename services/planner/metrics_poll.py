"""Polls queues and tables every few seconds, for the metrics alone."""

import asyncio
import math
from collections.abc import Awaitable, Sequence
from functools import partial

from services.planner.flow_control import FoldRate
from services.planner.forecast import MailingLoad, messages_at_risk
from services.planner.metrics import Metrics
from services.planner.store import backlog
from services.planner.store.backlog import UnsentMessages
from services.planner.task_loop import repeat
from shared import logs
from shared.broker import Publisher, Unpublished
from shared.database import DATABASE_OUTAGES, Pool
from shared.health import Pulse
from shared.statuses import MAILING_STATUSES
from shared.task_supervisor import TaskSupervisor

QUEUES_SECONDS = 5.0
# Counting what waits may read an index entry for each message, so it is done less often.
TABLES_SECONDS = 10.0
# Long enough that a pause between two retries is not taken for a standstill.
RATE_SECONDS = 60.0
UNFINISHED_STATUSES = tuple(status for status in MAILING_STATUSES if status != "finished")

log = logs.get()


class MetricsPoll:
    """The poll that sets gauges. When it fails they are cleared: an outdated value is worse than none."""

    def __init__(self, pool: Pool, publisher: Publisher, queues: Sequence[str], metrics: Metrics) -> None:
        self._pool = pool
        self._publisher = publisher
        self._queues = queues
        self._metrics = metrics
        self._rate = FoldRate(RATE_SECONDS)

    def tasks(self, supervisor: TaskSupervisor) -> list[Awaitable[None]]:
        """Makes the endless tasks, to be run side by side."""
        works = (("poll queues", self.poll_queues), ("poll tables", self.poll_tables))
        return [
            supervisor.supervise(name, partial(repeat, name, work, asyncio.Event(), Pulse())) for name, work in works
        ]

    async def poll_queues(self) -> float:
        try:
            depths = await self._publisher.read_depths(self._queues)
        except Unpublished as error:
            log.debug("queue depths unknown", detail=str(error))
            depths = {}
        self._metrics.queue_ready.clear()
        self._metrics.queue_consumers.clear()
        for queue, depth in depths.items():
            self._metrics.queue_ready.labels(queue).set(depth.ready)
            self._metrics.queue_consumers.labels(queue).set(depth.consumers)
        return QUEUES_SECONDS

    async def poll_tables(self) -> float:
        try:
            progress = await backlog.read_progress(self._pool)
            unsent, mailings = await backlog.list_unsent(self._pool), await backlog.count_mailings(self._pool)
        except DATABASE_OUTAGES:
            self._clear_tables()
            raise
        self._rate.observe(asyncio.get_running_loop().time(), progress.results)
        self._metrics.fence_age.set(math.nan if progress.fence_age is None else progress.fence_age)
        for status in UNFINISHED_STATUSES:
            self._metrics.mailings.labels(status).set(mailings.get(status, 0))
        self._set_unsent(unsent)
        return TABLES_SECONDS

    def _set_unsent(self, unsent: Sequence[UnsentMessages]) -> None:
        loads = [MailingLoad(max(one.unsent - one.waiting, 0), one.seconds_left) for one in unsent]
        self._metrics.unsent.labels("ready").set(sum(load.ready for load in loads))
        self._metrics.unsent.labels("waiting").set(sum(one.waiting for one in unsent))
        self._metrics.at_risk.set(messages_at_risk(loads, self._rate.per_second))

    def _clear_tables(self) -> None:
        self._metrics.mailings.clear()
        self._metrics.unsent.clear()
        self._metrics.fence_age.set(math.nan)
        self._metrics.at_risk.set(math.nan)
