"""Releases again what should be on the broker and is not. A repair is news: it is logged and counted."""

from collections.abc import Sequence

from services.planner.metrics import Meters
from services.planner.release import job
from services.planner.store import repairs
from services.planner.store.repairs import Repair
from shared import logs, topology
from shared.broker import Outgoing, Publisher, Unpublished
from shared.database import Pool
from shared.messages import Results, encode

log = logs.get()


class Sweeper:
    def __init__(self, pool: Pool, publisher: Publisher, watermark: int, meters: Meters) -> None:
        self._pool, self._publisher, self._watermark = pool, publisher, watermark
        self._meters = meters

    async def sweep(self) -> None:
        """Releases again: jobs that vanished from the broker, and claims whose dispatcher is gone."""
        await self._again("claim is stale", await repairs.take_stale(self._pool, self._watermark))
        if await self._nothing_waits() and await repairs.can_sweep(self._pool):
            await self._again("job vanished", await repairs.take_vanished(self._pool, self._watermark))
        await repairs.forget_workers(self._pool)

    async def publish_fence(self) -> None:
        """Publishes the database's time through the results: folded, it says that all before it is folded too."""
        body = Results(fence=await repairs.read_clock(self._pool))
        try:
            await self._publisher.publish(Outgoing(topology.RESULTS, topology.RESULT_KEY, encode(body)))
        except Unpublished as error:
            log.warning("fence not published", detail=str(error))

    async def _nothing_waits(self) -> bool:
        try:
            return await self._publisher.count_ready(topology.DISPATCHER_JOBS) == 0
        except Unpublished:
            return False

    async def _again(self, why: str, found: Sequence[Repair]) -> None:
        if not found:
            return
        jobs = [job(one.message_id, one.mailing_id, one.client_id, one.attempt) for one in found]
        confirmed = await self._publisher.publish_all(jobs)
        self._meters.repairs[why].inc(sum(confirmed))
        _tell(why, [one for one, done in zip(found, confirmed, strict=True) if done])


def _tell(why: str, published: Sequence[Repair]) -> None:
    mailing_ids = sorted({one.mailing_id for one in published})
    for ids in logs.in_lines([one.message_id for one in published]):
        log.warning("jobs released again", why=why, jobs=len(ids), message_ids=ids, mailing_ids=mailing_ids)
