"""Consumes one queue: deliveries go to a callback, and are acknowledged where the work is done."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel as UnderlayChannel
from pamqp.commands import Basic
from prometheus_client import CollectorRegistry, Gauge

from shared import logs
from shared.broker.link import BROKER_OUTAGES, CONNECT_SECONDS, Link, describe, underlay_of
from shared.health import Health
from shared.topology import Topology

CHECK_SECONDS = 3
# The states of a consumer in the details of /readyz.
AWAY, CONSUMING, PAUSED = "not consuming", "consuming", "paused"


class Delivery:
    """One body received, to be acknowledged or rejected once. Both do nothing once its channel is closed."""

    __slots__ = ("_channel", "_tag", "body", "redelivered")

    def __init__(self, channel: UnderlayChannel, tag: int, body: bytes, redelivered: bool) -> None:
        self._channel = channel
        self._tag = tag
        self.body = body
        self.redelivered = redelivered

    @property
    def alive(self) -> bool:
        """Whether the channel is open. Once it is closed, the broker delivers the body again."""
        return not self._channel.is_closed

    async def ack(self) -> None:
        """Acknowledges the body: the broker deletes it."""
        await self._write(self._channel.basic_ack(self._tag, wait=False))

    async def reject(self) -> None:
        """Rejects the body: a guarded queue moves it to its dead queue."""
        await self._write(self._channel.basic_reject(self._tag, requeue=False, wait=False))

    async def _write(self, frame: Coroutine[Any, Any, None]) -> None:
        """Writes a frame, or drops it when the channel is closed.

        Nobody empties the write queue of a connection that has just ended, so waiting for room there never ends.
        """
        with contextlib.suppress(*BROKER_OUTAGES):
            if not self._channel.write_queue.full():
                await frame
                return
            writing, closed = asyncio.ensure_future(frame), self._channel.closing
            # The link logs why the channel closed. The exception is retrieved so that asyncio does not log it, too.
            closed.add_done_callback(lambda done: done.cancelled() or done.exception())
            try:
                await asyncio.wait((writing, closed), return_when=asyncio.FIRST_COMPLETED)
                if writing.done():
                    await writing
            finally:
                writing.cancel()
                # `closing` makes a future of its own for each caller.
                closed.cancel()


class Consumer(Link):
    """A connection that consumes one queue and hands each delivery to a callback, which must never wait."""

    def __init__(
        self,
        urls: str,
        name: str,
        health: Health,
        topology: Topology | None,
        *,
        queue: str,
        prefetch: int,
        on_delivery: Callable[[Delivery], None],
    ) -> None:
        super().__init__(urls, name, health, topology)
        self._checker: asyncio.Task[None] | None = None
        self._queue = queue
        self._prefetch = prefetch
        self._on_delivery = on_delivery
        self._channel: AbstractChannel | None = None
        self._underlay: UnderlayChannel | None = None
        self._tag: str | None = None
        self._wanted = True
        health.details[name] = AWAY

    def register_metrics(self, registry: CollectorRegistry) -> None:
        """Registers a gauge of whether the queue is consumed; it is not while the broker is away or during a pause."""
        consuming = Gauge("herald_consuming", "1 if this process consumes the queue.", ["queue"], registry=registry)
        consuming.labels(self._queue).set_function(lambda: self._tag is not None)

    async def pause(self) -> None:
        """Stops consuming. The caller still has to acknowledge what was delivered."""
        self._wanted = False
        self._health.details[self._name] = PAUSED
        if self._underlay is not None and self._tag is not None:
            tag, self._tag = self._tag, None
            with contextlib.suppress(*BROKER_OUTAGES):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._underlay.basic_cancel(tag)

    def hold(self) -> None:
        """Consumes no more once this channel is lost, until resume(). What is consumed now goes on.

        For a queue with a single active consumer, where pause() would hand what comes next to another process, past
        what this one holds. The broker delivers at most the prefetch meanwhile.
        """
        self._wanted = False

    async def resume(self) -> None:
        """Consumes again after a pause or a hold."""
        self._wanted = True
        if self._underlay is not None and self._tag is None:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._consume(self._underlay)
            except BROKER_OUTAGES:
                self.reconnect()

    async def _up(self, connection: AbstractConnection) -> None:
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        await channel.set_qos(prefetch_count=self._prefetch)
        underlay = await underlay_of(channel)
        underlay.on_consumer_cancel_callbacks.add(self._cancelled)
        self._channel, self._underlay, self._tag = channel, underlay, None
        if self._wanted:
            await self._consume(underlay)
        self._checker = asyncio.create_task(self._check_often(connection))

    async def _check_often(self, connection: AbstractConnection) -> None:
        """Reconnects when the queue or this consumer vanished without a notice from the broker."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                async with asyncio.timeout(CONNECT_SECONDS), connection.channel() as channel:
                    found = (await channel.declare_queue(self._queue, passive=True)).declaration_result
            except BROKER_OUTAGES as error:
                logs.get().warning("queue not found", queue=self._queue, detail=describe(error))
                self.reconnect()
                return
            if self._tag is not None and found.consumer_count == 0:
                logs.get().warning("consumer lost", queue=self._queue)
                self.reconnect()
                return

    async def _consume(self, underlay: UnderlayChannel) -> None:
        started = await underlay.basic_consume(self._queue, self._deliver)
        self._tag = started.consumer_tag
        self._health.details[self._name] = CONSUMING

    async def _deliver(self, message: DeliveredMessage) -> None:
        delivery = message.delivery
        if self._underlay is None or not isinstance(delivery, Basic.Deliver) or delivery.delivery_tag is None:
            return
        redelivered = bool(delivery.redelivered)
        self._on_delivery(Delivery(self._underlay, delivery.delivery_tag, message.body, redelivered))

    def _cancelled(self, _: object) -> None:
        # The broker cancels a consumer when its queue is deleted. Reconnecting declares the queue again.
        self.reconnect()

    def _down(self) -> None:
        self._channel, self._underlay, self._tag = None, None, None
        self._health.details[self._name] = AWAY if self._wanted else PAUSED
        if self._checker is not None:
            self._checker.cancel()
