"""Releases again what should be on the broker and is not. Every repair is logged and counted."""

from collections.abc import Sequence

from services.planner.job_spans import JobSpans
from services.planner.metrics import Metrics
from services.planner.release import make_job
from services.planner.store import repairs
from services.planner.store.repairs import Repair
from shared import logs, topology
from shared.broker import Publisher, Unpublished
from shared.database import Pool

log = logs.get()


class Sweeper:
    """The sweeper of one planner: it finds lost jobs and stale claims, at most `watermark` of each at a time."""

    def __init__(self, pool: Pool, publisher: Publisher, watermark: int, metrics: Metrics) -> None:
        self._pool = pool
        self._publisher = publisher
        self._watermark = watermark
        self._metrics = metrics

    async def sweep(self) -> None:
        """Puts stale claims back, and releases vanished jobs again if no job waits in the queue.

        Without a dispatcher that consumes there is nothing to repair: what is due only waits for one.
        """
        if await repairs.can_sweep(self._pool):
            stale = await repairs.put_back_stale(self._pool, self._watermark)
            self._metrics.repairs["claim is stale"].inc(len(stale))
            _log_repairs("claim is stale", stale)
            if await self._queue_is_empty():
                await self._release_again("job vanished", await repairs.take_vanished(self._pool, self._watermark))
        await repairs.delete_silent_workers(self._pool)

    async def _queue_is_empty(self) -> bool:
        try:
            return await self._publisher.count_ready(topology.DISPATCHER_JOBS) == 0
        except Unpublished:
            return False

    async def _release_again(self, reason: str, found: Sequence[Repair]) -> None:
        if not found:
            return
        spans = JobSpans(found, {})
        jobs = [
            make_job(one.message_id, one.mailing_id, one.client_id, one.attempt, spans.traceparent(place))
            for place, one in enumerate(found)
        ]
        confirmed = await self._publisher.publish_all(jobs)
        spans.end(confirmed)
        self._metrics.repairs[reason].inc(sum(confirmed))
        _log_repairs(reason, [one for one, done in zip(found, confirmed, strict=True) if done])


def _log_repairs(reason: str, published: Sequence[Repair]) -> None:
    mailing_ids = sorted({one.mailing_id for one in published})
    for ids in logs.in_lines([one.message_id for one in published]):
        log.warning("jobs released again", reason=reason, jobs=len(ids), message_ids=ids, mailing_ids=mailing_ids)
