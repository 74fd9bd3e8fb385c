"""Consuming one queue: deliveries are handed on, and acknowledged where the work is done."""

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
from shared.broker.link import BROKER_OUTAGES, CONNECT_SECONDS, Link, text_of, underlay_of
from shared.health import Health
from shared.topology import Topology

CHECK_SECONDS = 3
# What /readyz tells of a consumer.
AWAY, CONSUMING, PAUSED = "not consuming", "consuming", "paused"


class Delivery:
    """One body received, to be acknowledged or rejected once. Both do nothing once its channel is gone."""

    __slots__ = ("_channel", "_tag", "body", "redelivered")

    def __init__(self, channel: UnderlayChannel, tag: int, body: bytes, redelivered: bool) -> None:
        self._channel, self._tag, self.body, self.redelivered = channel, tag, body, redelivered

    @property
    def alive(self) -> bool:
        """False once the channel is closed: the broker then delivers the body again."""
        return not self._channel.is_closed

    async def ack(self) -> None:
        await self._write(self._channel.basic_ack(self._tag, wait=False))

    async def reject(self) -> None:
        """Refuses an unreadable body: a guarded queue sends it to its dead queue."""
        await self._write(self._channel.basic_reject(self._tag, requeue=False, wait=False))

    async def _write(self, frame: Coroutine[Any, Any, None]) -> None:
        """Puts a frame on its way, or give it up when the channel is closed.

        Nobody empties the queue of a connection that has just ended: who waits there for room waits for ever.
        """
        with contextlib.suppress(*BROKER_OUTAGES):
            if not self._channel.write_queue.full():
                await frame
                return
            writing, closed = asyncio.ensure_future(frame), self._channel.closing
            # Why it closed is told by the link; asking keeps asyncio from complaining.
            closed.add_done_callback(lambda done: done.cancelled() or done.exception())
            try:
                await asyncio.wait((writing, closed), return_when=asyncio.FIRST_COMPLETED)
                if writing.done():
                    await writing
            finally:
                writing.cancel()
                # It is an observer of ours only, one for each wait.
                closed.cancel()


class Consumer(Link):
    """Consumes one queue and hands each delivery to a callback that must only take it in, never work."""

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
        self._queue, self._prefetch, self._on_delivery = queue, prefetch, on_delivery
        self._channel: AbstractChannel | None = None
        self._underlay: UnderlayChannel | None = None
        self._tag: str | None = None
        self._wanted = True
        health.details[name] = AWAY

    def meter(self, registry: CollectorRegistry) -> None:
        """Shows whether the queue is consumed; it is not while the broker is away, or in a pause."""
        consuming = Gauge("herald_consuming", "1 if this process consumes the queue.", ["queue"], registry=registry)
        consuming.labels(self._queue).set_function(lambda: self._tag is not None)

    async def pause(self) -> None:
        """Asks for no more deliveries. What was delivered stays with the caller."""
        self._wanted = False
        self._health.details[self._name] = PAUSED
        if self._underlay is not None and self._tag is not None:
            tag, self._tag = self._tag, None
            with contextlib.suppress(*BROKER_OUTAGES):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._underlay.basic_cancel(tag)

    async def resume(self) -> None:
        """Asks for deliveries again after a pause."""
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
        """Reconnects when the queue, or our consumer of it, is gone without a word."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                async with asyncio.timeout(CONNECT_SECONDS), connection.channel() as channel:
                    found = (await channel.declare_queue(self._queue, passive=True)).declaration_result
            except BROKER_OUTAGES as error:
                logs.get().warning("queue not found", queue=self._queue, detail=text_of(error))
                self.reconnect()
                return
            if self._tag is not None and found.consumer_count == 0:
                logs.get().warning("consumer was forgotten", queue=self._queue)
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
        # The broker cancels a consumer when its queue is deleted: declare it again by reconnecting.
        self.reconnect()

    def _down(self) -> None:
        self._channel, self._underlay, self._tag = None, None, None
        self._health.details[self._name] = AWAY if self._wanted else PAUSED
        if self._checker is not None:
            self._checker.cancel()
