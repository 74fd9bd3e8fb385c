"""Consumes one queue: deliveries go to a callback, and are acknowledged where the work is done."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from pamqp.commands import Queue
from prometheus_client import CollectorRegistry, Gauge

from shared import logs, tracing
from shared.amqp import AmqpConnection, DeliveryChannel
from shared.amqp.frames import NO_HEADERS, unpack_headers
from shared.broker.errors import BROKER_OUTAGES, describe
from shared.broker.link import Link
from shared.broker.nodes import CONNECT_SECONDS
from shared.health import Health
from shared.topology import Topology

CHECK_SECONDS = 3
# The states of a consumer in the details of /readyz.
AWAY, CONSUMING, PAUSED = "not consuming", "consuming", "paused"


class Delivery:
    """One body received, to be acknowledged or rejected once. Both do nothing once its channel is closed."""

    __slots__ = ("_channel", "_tag", "body", "headers", "redelivered")

    def __init__(
        self,
        channel: DeliveryChannel,
        tag: int,
        body: bytes,
        redelivered: bool,
        headers: Mapping[str, object] = NO_HEADERS,
    ) -> None:
        """`headers` are empty unless this process traces: nothing else reads them."""
        self._channel = channel
        self._tag = tag
        self.body = body
        self.redelivered = redelivered
        self.headers = headers

    @property
    def alive(self) -> bool:
        """Whether the channel is open. Once it is closed, the broker delivers the body again."""
        return self._channel.alive

    def ack(self) -> None:
        """Acknowledges the body, together with others within 30 ms: the broker deletes it."""
        self._channel.ack(self._tag)

    def reject(self) -> None:
        """Rejects the body: a guarded queue moves it to its dead queue."""
        self._channel.reject(self._tag)


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
        self._traced = tracing.get() is not None
        self._channel: DeliveryChannel | None = None
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
        if self._channel is not None and self._tag is not None:
            tag, self._tag = self._tag, None
            with contextlib.suppress(*BROKER_OUTAGES):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._channel.cancel(tag)

    def hold(self) -> None:
        """Consumes no more once this channel is lost, until resume(). What is consumed now goes on.

        For a queue with a single active consumer, where pause() would hand what comes next to another process, past
        what this one holds. The broker delivers at most the prefetch meanwhile.
        """
        self._wanted = False

    async def resume(self) -> None:
        """Consumes again after a pause or a hold."""
        self._wanted = True
        if self._channel is not None and self._tag is None:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._consume(self._channel)
            except BROKER_OUTAGES:
                self.reconnect()

    async def _up(self, connection: AmqpConnection) -> None:
        channel = await connection.open_delivery_channel(self._deliver)
        # The broker cancels a consumer when its queue is deleted. Reconnecting declares the queue again.
        channel.on_cancel = self.reconnect
        channel.on_end = self.reconnect
        self._channel, self._tag = channel, None
        if self._wanted:
            await self._consume(channel)
        self._checker = asyncio.create_task(self._check_often(connection))

    async def _check_often(self, connection: AmqpConnection) -> None:
        """Reconnects when the queue or this consumer vanished without a notice from the broker."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                async with asyncio.timeout(CONNECT_SECONDS), connection.channel() as channel:
                    found = await channel.ask(Queue.Declare(queue=self._queue, passive=True))
            except BROKER_OUTAGES as error:
                logs.get().warning("queue not found", queue=self._queue, detail=describe(error))
                self.reconnect()
                return
            if self._tag is not None and isinstance(found, Queue.DeclareOk) and found.consumer_count == 0:
                logs.get().warning("consumer lost", queue=self._queue)
                self.reconnect()
                return

    async def _consume(self, channel: DeliveryChannel) -> None:
        self._tag = await channel.consume(self._queue, self._prefetch)
        self._health.details[self._name] = CONSUMING

    def _deliver(self, tag: int, redelivered: bool, body: bytes) -> None:
        channel = self._channel
        if channel is None:
            return
        try:
            headers = unpack_headers(channel.header) if self._traced else NO_HEADERS
            self._on_delivery(Delivery(channel, tag, body, redelivered, headers))
        except Exception:
            # A body that the callback cannot take must not end the connection, over which it would come again.
            logs.get().error("delivery not taken", queue=self._queue, exc_info=True)
            channel.reject(tag)

    def _down(self) -> None:
        self._channel, self._tag = None, None
        self._health.details[self._name] = AWAY if self._wanted else PAUSED
        if self._checker is not None:
            self._checker.cancel()
