"""The hop of the reporter: read bodies, fold them, acknowledge."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from services.reporter.body import FoldableBody, FoldableResult, least_form, read_body
from services.reporter.fold import DATA_ERRORS, FoldedBatch, fold
from services.reporter.metrics import Metrics
from services.reporter.result_spans import write_folded
from services.reporter.tally import UnfoldableResult
from shared import logs, topology
from shared.broker import Consumer, Delivery
from shared.database import DATABASE_OUTAGES, QUOTING, Pool, describe
from shared.health import Pulse
from shared.messages import Result
from shared.waiting import Backoff

MAX_BODIES = 100
# A batch ends with the body that reaches it.
MAX_RESULTS_PER_FOLD = 1000
# A short wait makes bigger batches, and a transaction costs the same for one result as for many.
LINGER_SECONDS = 0.05

log = logs.get()


class Handler:
    """The loop that folds deliveries, batch by batch.

    The batch in hand is an attribute: whatever ends the loop, the next start goes on with it.
    """

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        self._batch: deque[tuple[Delivery, FoldableBody]] = deque()
        self._consumer: Consumer | None = None
        self._held_up = False
        self._seconds = 0.0
        self.pulse = Pulse()

    @property
    def held(self) -> int:
        """Deliveries that are neither acknowledged nor rejected."""
        return len(self._batch) + self._inbox.qsize()

    def enqueue(self, delivery: Delivery) -> None:
        """Adds a delivery. Runs in the connection's callback, which must not wait."""
        self._metrics.record_delivery()
        self._inbox.put_nowait(delivery)

    async def run(self, consumer: Consumer | None = None) -> None:
        """Folds until cancelled. During an outage of the database the consumer is held."""
        self._consumer = consumer
        while True:
            self.pulse.rest()
            if not self._batch:
                self._take(await self._inbox.get())
                await asyncio.sleep(LINGER_SECONDS)
                self._gather()
            await self._handle_batch()

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Folds these deliveries and settles them: acknowledged, or rejected into the dead queue."""
        for delivery in deliveries:
            self._take(delivery)
        await self._handle_batch()

    def _take(self, delivery: Delivery) -> int:
        """Takes a delivery into the batch, and returns how many results it has."""
        # The broker delivers again what came over a channel that is lost.
        if not delivery.alive:
            return 0
        body = read_body(delivery.body)
        if body.error is not None:
            log.error("body unreadable", queue=topology.REPORTER_RESULTS, detail=body.error)
        self._batch.append((delivery, body))
        return len(body.results)

    def _gather(self) -> None:
        results = sum(len(body.results) for _, body in self._batch)
        while results < MAX_RESULTS_PER_FOLD and len(self._batch) < MAX_BODIES and not self._inbox.empty():
            results += self._take(self._inbox.get_nowait())

    async def _handle_batch(self) -> None:
        """Folds the batch. What cannot be folded is folded as far as it can be, and then rejected."""
        if not self._batch:
            return
        try:
            await self._fold([body for _, body in self._batch])
        except DATA_ERRORS as error:
            log.warning("batch not folded", detail=_describe(error), bodies=len(self._batch))
            await self._fold_separately()
        else:
            while self._batch:
                self._settle_first(folded=True)

    async def _fold_separately(self) -> None:
        """Folds each result by itself, in order, so that only bodies with a wrong one are rejected."""
        while self._batch:
            _, body = self._batch[0]
            folded = True
            for part in body.split():
                folded = await self._fold_or_lessen(part) and folded
            # The batch is empty now if its channel was lost meanwhile.
            if self._batch:
                self._settle_first(folded=folded)

    async def _fold_or_lessen(self, part: FoldableBody) -> bool:
        """Folds one result, in its least form if need be. Returns whether it was folded in full."""
        try:
            await self._fold([part])
        except DATA_ERRORS as error:
            await self._fold_in_least_form(part, _describe(error))
            return False
        return True

    async def _fold_in_least_form(self, part: FoldableBody, detail: str) -> None:
        least = FoldableBody([least_form(result) for result in part.results])
        ids = [result.message_id for result in part.results]
        try:
            await self._fold([least])
        except DATA_ERRORS as error:
            log.error("result dead-lettered", message_ids=ids, detail=_describe(error))
        else:
            log.error("result folded in its least form", message_ids=ids, detail=detail)

    def _settle_first(self, *, folded: bool) -> None:
        """Acknowledges or rejects the first delivery of the batch."""
        # It leaves the batch first: a delivery that was settled twice would close the channel.
        delivery, body = self._batch.popleft()
        write_folded(delivery, body.results, self._seconds, folded=folded)
        if folded and body.error is None:
            delivery.ack()
            return
        delivery.reject()
        self._metrics.dead["unfoldable" if body.error is None else "unreadable"].inc()

    async def _fold(self, bodies: Sequence[FoldableBody]) -> None:
        with self._metrics.folding():
            await self._fold_through_outages(bodies)

    async def _fold_through_outages(self, bodies: Sequence[FoldableBody]) -> None:
        """Folds, and waits out an outage of the database.

        The deliveries are kept meanwhile, unless their channel is lost: then another process has them by now, or the
        broker keeps them until the database is back.
        """
        backoff, repeats, clock, begun = Backoff(), logs.RepeatedCauses(), asyncio.get_running_loop().time, 0.0
        while True:
            begun = clock()
            self.pulse.beat()
            try:
                folded = await fold(self._pool, bodies)
                break
            except QUOTING:
                # asyncpg counts a value that it cannot send among the errors of the connection.
                raise
            except DATABASE_OUTAGES as error:
                if times := repeats.count(describe(error)):
                    log.warning("fold delayed", detail=describe(error), times=times)
            self._hold_consumer()
            await asyncio.sleep(backoff.next())
            if self._forget_dead():
                bodies = []
        self._seconds = clock() - begun
        self._metrics.duration.observe(self._seconds)
        self._record(bodies, folded)
        await self._resume_consumer()

    def _hold_consumer(self) -> None:
        if self._consumer is not None:
            self._held_up = True
            self._consumer.hold()

    async def _resume_consumer(self) -> None:
        if self._consumer is not None and self._held_up:
            self._held_up = False
            await self._consumer.resume()

    def _forget_dead(self) -> bool:
        """Drops deliveries whose channel is lost. Returns whether those of the batch were among them."""
        waiting = [self._inbox.get_nowait() for _ in range(self._inbox.qsize())]
        for delivery in waiting:
            if delivery.alive:
                self._inbox.put_nowait(delivery)
        lost = bool(self._batch) and not self._batch[0][0].alive
        if lost:
            self._batch.clear()
        return lost

    def _record(self, bodies: Sequence[FoldableBody], folded: FoldedBatch) -> None:
        for status, count in folded.moved.items():
            self._metrics.messages[status].inc(count)
        results = [result for body in bodies for result in body.results]
        if results:
            self._metrics.batches.observe(len(results))
            self._observe_lag(results, folded.at)
            _log_folded(results, folded.moved)

    def _observe_lag(self, results: Sequence[FoldableResult], now: datetime) -> None:
        """Observes how long each reply waited for its fold.

        Both ends are the database's time; the dispatcher measured how long the request took.
        """
        for result in results:
            if isinstance(result, Result):
                lag = (now - result.started_at).total_seconds() - result.duration_ms / 1000
                self._metrics.lag.observe(max(lag, 0.0))


def _log_folded(results: Sequence[FoldableResult], moved: dict[str, int]) -> None:
    mailing_ids = sorted({result.mailing_id for result in results if isinstance(result, Result)})
    for ids in logs.in_lines([result.message_id for result in results]):
        log.info("results folded", results=len(results), moved=moved, message_ids=ids, mailing_ids=mailing_ids)


def _describe(error: BaseException) -> str:
    """Returns the text of an error, or its class where the text could quote a value."""
    return describe(error) if isinstance(error, (UnfoldableResult, *QUOTING)) else type(error).__name__
