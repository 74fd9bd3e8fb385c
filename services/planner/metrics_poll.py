"""Polls queues and tables every few seconds, for the metrics alone."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from shared.health import Health, Pulse
from shared.statuses import MAILING_STATUSES
from shared.task_supervisor import TaskSupervisor

QUEUES_SECONDS = 5.0
# Counting what waits may read an index entry for each message, so it is done less often.
TABLES_SECONDS = 10.0
# Long enough that a pause between two retries is not taken for a standstill.
RATE_SECONDS = 60.0
SIZES_SECONDS = 60.0
# The detail of /readyz that names mailings, and how many it names: those with the most messages.
AT_RISK, NAMED_AT_RISK = "at risk", 5
UNFINISHED_STATUSES = tuple(status for status in MAILING_STATUSES if status != "finished")

log = logs.get()


class MetricsPoll:
    """The poll that sets gauges. When it fails they are cleared: an outdated value is worse than none."""

    def __init__(
        self, pool: Pool, publisher: Publisher, queues: Callable[[], Sequence[str]], metrics: Metrics, health: Health
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._health = health
        self._at_risk: frozenset[int] = frozenset()
        self._queues = queues
        self._metrics = metrics
        self._rate = FoldRate(RATE_SECONDS)

    def tasks(self, supervisor: TaskSupervisor) -> list[Awaitable[None]]:
        """Makes the endless tasks, to be run side by side."""
        works = (
            ("poll queues", self.poll_queues),
            ("poll tables", self.poll_tables),
            ("poll sizes", self.poll_sizes),
        )
        return [
            supervisor.supervise(name, partial(repeat, name, work, asyncio.Event(), Pulse())) for name, work in works
        ]

    async def poll_queues(self) -> float:
        try:
            depths = await self._publisher.read_depths(self._queues())
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
            paused, oldest = await backlog.read_paused(self._pool), await backlog.read_oldest_unsent(self._pool)
        except DATABASE_OUTAGES:
            self._clear_tables()
            raise
        self._rate.observe(asyncio.get_running_loop().time(), progress.results)
        self._metrics.fence_age.set(math.nan if progress.fence_age is None else progress.fence_age)
        for status in UNFINISHED_STATUSES:
            self._metrics.mailings.labels(status).set(mailings.get(status, 0))
        self._metrics.oldest_due.set(oldest or 0.0)
        self._metrics.paused_longest.set(0.0 if paused is None else paused.longest)
        self._metrics.paused_nearest_end.set(math.nan if paused is None else paused.nearest_end)
        self._set_unsent(unsent)
        return TABLES_SECONDS

    async def poll_sizes(self) -> float:
        try:
            sizes, cluster = await backlog.list_table_sizes(self._pool), await backlog.read_cluster(self._pool)
            oldest = await backlog.list_oldest_rows(self._pool)
        except DATABASE_OUTAGES:
            self._clear_sizes()
            raise
        self._clear_sizes()
        self._metrics.transaction_id_age.set(cluster.transaction_id_age)
        lag = cluster.replication_lag
        self._metrics.replication_lag.set(math.nan if lag is None else lag)
        for table in sizes:
            self._metrics.table_bytes.labels(table.name).set(table.bytes)
            self._metrics.table_rows.labels(table.name, "live").set(table.rows)
            self._metrics.table_rows.labels(table.name, "dead").set(table.dead_rows)
        for name, age in oldest.items():
            self._metrics.table_oldest.labels(name).set(age)
        return SIZES_SECONDS

    def _set_unsent(self, unsent: Sequence[UnsentMessages]) -> None:
        loads = [MailingLoad(max(one.unsent - one.waiting, 0), one.seconds_left) for one in unsent]
        self._metrics.unsent.labels("ready").set(sum(load.ready for load in loads))
        self._metrics.unsent.labels("waiting").set(sum(one.waiting for one in unsent))
        too_slow = messages_at_risk(loads, self._rate.per_second)
        at_risk = {one.mailing_id: count + one.too_late for one, count in zip(unsent, too_slow, strict=True)}
        self._metrics.at_risk.set(sum(at_risk.values()))
        self._name_at_risk({mailing_id: count for mailing_id, count in at_risk.items() if count})

    def _name_at_risk(self, at_risk: Mapping[int, int]) -> None:
        """Names the mailings at risk in the log when others come or go, and in the details of /readyz."""
        worst = sorted(at_risk, key=lambda mailing_id: at_risk[mailing_id], reverse=True)[:NAMED_AT_RISK]
        if frozenset(at_risk) != self._at_risk and at_risk:
            log.warning(
                "mailings at risk", mailings=len(at_risk), messages=sum(at_risk.values()), mailing_ids=sorted(worst)
            )
        self._at_risk = frozenset(at_risk)
        if worst:
            named = ", ".join(f"mailing {mailing_id}: {at_risk[mailing_id]} messages" for mailing_id in worst)
            self._health.details[AT_RISK] = named
        else:
            self._health.details.pop(AT_RISK, None)

    def _clear_sizes(self) -> None:
        for gauge in (self._metrics.table_bytes, self._metrics.table_rows, self._metrics.table_oldest):
            # Tables come and go with versions, and an empty one has no oldest row.
            gauge.clear()
        self._metrics.transaction_id_age.set(math.nan)
        self._metrics.replication_lag.set(math.nan)

    def _clear_tables(self) -> None:
        self._metrics.mailings.clear()
        self._metrics.unsent.clear()
        self._metrics.fence_age.set(math.nan)
        self._metrics.at_risk.set(math.nan)
        self._metrics.oldest_due.set(math.nan)
        self._metrics.paused_longest.set(math.nan)
        self._metrics.paused_nearest_end.set(math.nan)
