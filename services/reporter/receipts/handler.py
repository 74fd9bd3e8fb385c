"""The loop of receipts: read bodies, fold them, send on what has to wait, acknowledge."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from services.reporter.fold import DATA_ERRORS
from services.reporter.metrics import ReceiptMetrics
from services.reporter.receipts.fold import FoldedReceipts, fold
from shared import logs, topology
from shared.broker import Consumer, Delivery, Outgoing
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse
from shared.messages import Receipts, Unreadable, decode, encode
from shared.waiting import Backoff

MAX_BODIES = 100
# A short wait makes bigger batches, as for results.
LINGER_SECONDS = 0.05
UNFOLDABLE = "the receipt cannot be folded"

log = logs.get()


class ReceiptPublisher(Protocol):
    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]: ...


class ReceiptHandler:
    """Folds receipts batch by batch. The batch in hand is an attribute: the next start goes on with it."""

    def __init__(self, pool: Pool, publisher: ReceiptPublisher, metrics: ReceiptMetrics) -> None:
        self._pool = pool
        self._publisher = publisher
        self._metrics = metrics
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        self._batch: list[tuple[Delivery, Receipts]] = []
        self._consumer: Consumer | None = None
        self.pulse = Pulse()

    def enqueue(self, delivery: Delivery) -> None:
        """Adds a delivery. Runs in the connection's callback, which must not wait."""
        self._inbox.put_nowait(delivery)

    async def run(self, consumer: Consumer | None = None) -> None:
        """Folds until cancelled. While the database or the broker is away the consumer is held."""
        self._consumer = consumer
        while True:
            self.pulse.rest()
            if not self._batch:
                self._take(await self._inbox.get())
                await asyncio.sleep(LINGER_SECONDS)
            while len(self._batch) < MAX_BODIES and not self._inbox.empty():
                self._take(self._inbox.get_nowait())
            await self._handle_batch()

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Folds these deliveries and settles them."""
        for delivery in deliveries:
            self._take(delivery)
        await self._handle_batch()

    def _take(self, delivery: Delivery) -> None:
        # The broker delivers again what came over a channel that is lost.
        if not delivery.alive:
            return
        try:
            self._batch.append((delivery, decode(Receipts, delivery.body)))
        except Unreadable as error:
            log.error("body unreadable", queue=topology.REPORTER_RECEIPTS, detail=str(error))
            self._metrics.dead["unreadable"].inc()
            delivery.reject()

    async def _handle_batch(self) -> None:
        """Folds the batch; of one that fails on its data, each body apart, and each receipt of such a body."""
        backoff, held = Backoff(), False
        while self._batch:
            self.pulse.beat()
            try:
                outgoings = await self._fold_or_part()
            except DATABASE_OUTAGES as error:
                log.warning("receipts delayed", detail=describe(error))
            else:
                if not outgoings or all(await self._publisher.publish_all(outgoings)):
                    break
            if self._consumer is not None and not held:
                held = True
                self._consumer.hold()
            await asyncio.sleep(backoff.next())
            # Of a lost channel the broker delivers everything again.
            self._batch = [(delivery, body) for delivery, body in self._batch if delivery.alive]
        batch, self._batch = self._batch, []
        for delivery, _ in batch:
            delivery.ack()
        if held and self._consumer is not None:
            await self._consumer.resume()

    async def _fold_or_part(self) -> list[Outgoing]:
        """Folds the batch, and returns what is to be published for it before it may be acknowledged."""
        bodies = [body for _, body in self._batch]
        try:
            return self._record(await fold(self._pool, bodies))
        except DATA_ERRORS as error:
            log.warning("receipts not folded together", detail=type(error).__name__, bodies=len(bodies))
        outgoings: list[Outgoing] = []
        for body in bodies:
            for receipt in body.receipts:
                outgoings += await self._fold_alone(replace(body, receipts=[receipt]))
        return outgoings

    async def _fold_alone(self, body: Receipts) -> list[Outgoing]:
        try:
            return self._record(await fold(self._pool, [body]))
        except DATA_ERRORS as error:
            log.error("receipt dead-lettered", provider=body.provider, detail=type(error).__name__)
            self._metrics.dead["unfoldable"].inc()
            return [_dead(body, UNFOLDABLE)]

    def _record(self, done: FoldedReceipts) -> list[Outgoing]:
        for (provider, delivery), count in done.folded.items():
            self._metrics.folded.labels(provider, delivery).inc(count)
        for provider, seconds in done.delays:
            self._metrics.delay.labels(provider).observe(seconds)
        self._metrics.unsent.inc(done.unsent)
        for ids in logs.in_lines(done.message_ids):
            log.info("receipts folded", message_ids=ids)
        for ids in logs.in_lines(done.proved):
            log.info("receipts proved messages sent", message_ids=ids)
        for body, reason in done.dead:
            self._metrics.dead["unknown"].inc()
            log.warning("receipts dead-lettered", provider=body.provider, reason=reason, receipts=len(body.receipts))
        waiting = [Outgoing(topology.RECEIPTS, topology.RECEIPT_RETRY_KEY, encode(body)) for body in done.waiting]
        return waiting + [_dead(body, reason) for body, reason in done.dead]


def _dead(body: Receipts, reason: str) -> Outgoing:
    headers: dict[str, str | int] = {"reason": reason, "at": datetime.now(UTC).isoformat()}
    return Outgoing(topology.DEAD, topology.REPORTER_DEAD, encode(body), headers)
