"""The hop of the reporter: read bodies, fold them, acknowledge."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.reporter.fold import FoldedBatch, fold, split_body
from services.reporter.metrics import Metrics
from services.reporter.tally import UnknownMessage
from shared import logs, topology
from shared.broker import Delivery
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse
from shared.messages import Result, Results, Unreadable, decode
from shared.waiting import Backoff

MAX_BODIES = 100
# A short wait makes bigger batches, and a transaction costs the same for one result as for many.
LINGER_SECONDS = 0.02

log = logs.get()


class Handler:
    """The loop that folds deliveries, batch by batch."""

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        self.pulse = Pulse()

    def enqueue(self, delivery: Delivery) -> None:
        """Adds a delivery. Runs in the connection's callback, which must not wait."""
        self._metrics.record_delivery()
        self._inbox.put_nowait(delivery)

    async def run(self) -> None:
        """Folds until cancelled."""
        while True:
            self.pulse.rest()
            batch = [await self._inbox.get()]
            await asyncio.sleep(LINGER_SECONDS)
            await self.handle(batch + self._waiting(MAX_BODIES - 1))

    async def drain(self) -> None:
        """Folds the deliveries that are left at shutdown."""
        while batch := self._waiting(MAX_BODIES):
            await self.handle(batch)

    async def handle(self, batch: Sequence[Delivery]) -> None:
        """Folds one batch and acknowledges it. What cannot be read or folded is rejected into the dead queue."""
        readable = [(delivery, body) for delivery in batch if (body := await self._read(delivery)) is not None]
        try:
            await self._fold([body for _, body in readable])
        except (asyncpg.PostgresError, UnknownMessage) as error:
            log.warning("batch not folded", detail=describe(error), bodies=len(readable))
            await self._fold_separately(readable)
        else:
            for delivery, _ in readable:
                await delivery.ack()

    def _waiting(self, most: int) -> list[Delivery]:
        return [self._inbox.get_nowait() for _ in range(min(most, self._inbox.qsize()))]

    async def _read(self, delivery: Delivery) -> Results | None:
        try:
            return decode(Results, delivery.body)
        except Unreadable as error:
            log.error("body unreadable", queue=topology.REPORTER_RESULTS, detail=str(error))
            await delivery.reject()
            self._metrics.dead["unreadable"].inc()
            return None

    async def _fold_separately(self, readable: Sequence[tuple[Delivery, Results]]) -> None:
        """Folds each result by itself, so that only bodies with a wrong one are rejected."""
        for delivery, body in readable:
            failed = False
            for part in split_body(body):
                try:
                    await self._fold([part])
                except (asyncpg.PostgresError, UnknownMessage) as error:
                    failed = True
                    ids = [result.message_id for result in part.results]
                    log.error("result dead-lettered", message_ids=ids, detail=describe(error))
            await (delivery.reject() if failed else delivery.ack())
            self._metrics.dead["unfoldable"].inc(failed)

    async def _fold(self, bodies: Sequence[Results]) -> None:
        """Folds, and waits out an outage of the database; the deliveries are kept meanwhile."""
        backoff, clock = Backoff(), asyncio.get_running_loop().time
        while True:
            begun = clock()
            self.pulse.beat()
            try:
                folded = await fold(self._pool, bodies)
                break
            except DATABASE_OUTAGES as error:
                log.warning("fold delayed", detail=describe(error))
            await asyncio.sleep(backoff.next())
        self._metrics.duration.observe(clock() - begun)
        self._record(bodies, folded)

    def _record(self, bodies: Sequence[Results], folded: FoldedBatch) -> None:
        for status, count in folded.moved.items():
            self._metrics.messages[status].inc(count)
        results = [result for body in bodies for result in body.results]
        if results:
            self._metrics.batches.observe(len(results))
            self._observe_lag(results, folded.at)
            _log_folded(results, folded.moved)

    def _observe_lag(self, results: Sequence[Result], now: datetime) -> None:
        """Observes how long each reply waited for its fold.

        Both ends are the database's time; the dispatcher measured how long the request took.
        """
        for result in results:
            lag = (now - result.started_at).total_seconds() - result.duration_ms / 1000
            self._metrics.lag.observe(max(lag, 0.0))


def _log_folded(results: Sequence[Result], moved: dict[str, int]) -> None:
    mailing_ids = sorted({result.mailing_id for result in results})
    for ids in logs.in_lines([result.message_id for result in results]):
        log.info("results folded", results=len(results), moved=moved, message_ids=ids, mailing_ids=mailing_ids)
