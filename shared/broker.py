"""RabbitMQ connections that come back: one to publish with confirms, one to consume.

Publishing and consuming have connections of their own, since a broker alarm blocks publishing ones only. Each is
a plain connection under our own supervision (see docs/decisions/0002): when it drops, everything that belonged
to it is thrown away, the topology is declared again, and consuming starts anew.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel, AbstractConnection, ExchangeType
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel as UnderlayChannel
from aiormq.exceptions import PublishError
from pamqp.commands import Basic
from yarl import URL

from shared import logs
from shared.metrics import Health
from shared.settings import SettingsError
from shared.startup import Backoff
from shared.topology import Topology

CONNECT_SECONDS = 5
HEARTBEAT_SECONDS = 10
CHECK_SECONDS = 3
REDECLARE_SECONDS = 0.5
PUBLISH_CHANNELS = 4
PERSISTENT = 2

OUTAGES = (aiormq.exceptions.AMQPError, OSError, TimeoutError, RuntimeError)
_REFUSED = (aiormq.exceptions.AuthenticationError, aiormq.exceptions.ProbableAuthenticationError)


class Unpublished(Exception):
    """A body was not confirmed by the broker. It may still have arrived: treat its fate as unknown."""


class Unroutable(Unpublished):
    """No queue is bound for this routing key, also after the topology was declared again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A body on its way out. Headers are for people who look into the queue; no code reads them."""

    exchange: str
    routing_key: str
    body: bytes
    headers: dict[str, str | int] = field(default_factory=dict)


async def declare(connection: AbstractConnection, topology: Topology) -> None:
    """Declare everything in the table. Raises aiormq errors when an object exists with other arguments."""
    async with connection.channel() as channel:
        for exchange in topology.exchanges:
            await channel.declare_exchange(exchange.name, ExchangeType(exchange.kind), durable=True)
        for queue in topology.queues:
            await channel.declare_queue(queue.name, durable=True, arguments=dict(queue.arguments))
        underlay = await channel.get_underlay_channel()
        for binding in topology.bindings:
            await underlay.queue_bind(binding.queue, binding.exchange, binding.key)


async def open_connection(urls: str, name: str) -> AbstractConnection:
    """Connect to one of the comma-separated URLs, tried in random order. `name` shows in management."""
    choices = urls.split(",")
    random.shuffle(choices)
    for last, choice in enumerate(choices, start=1 - len(choices)):
        try:
            return await aio_pika.connect(
                URL(choice.strip()).update_query(heartbeat=HEARTBEAT_SECONDS),
                timeout=CONNECT_SECONDS,
                client_properties={"connection_name": name},
            )
        except OUTAGES:
            if last == 0:
                raise
    raise AssertionError("the last failure is raised above")


async def _underlay(channel: AbstractChannel) -> UnderlayChannel:
    """Reach the aiormq channel, which can write without waiting for each frame to be drained."""
    underlay = await channel.get_underlay_channel()
    if not isinstance(underlay, UnderlayChannel):
        raise TypeError(f"unexpected channel {underlay!r}")
    return underlay


class Link:
    """One supervised connection. Subclasses say what to do when it is up and when it is gone."""

    def __init__(self, urls: str, name: str, health: Health, topology: Topology | None) -> None:
        self._urls, self._name, self._health, self._topology = urls, name, health, topology
        self._connection: AbstractConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        health.expect(name)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._supervise(), name=self._name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def reconnect(self) -> None:
        """Give the connection up and open a new one."""
        self._lost.set()

    async def check(self) -> None:
        """Raise what ended the supervision, if anything did: wrong credentials or a conflicting topology."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _supervise(self) -> None:
        backoff, log = Backoff(), logs.get().bind(connection=self._name)
        while True:
            try:
                async with self._session():
                    backoff.reset()
                    self._health.set(self._name, True)
                    log.info("broker connected")
                    await self._lost.wait()
                log.warning("broker connection lost")
            except _REFUSED as error:
                log.error("broker refused the connection", detail=str(error), variable="HERALD_RABBITMQ_URL")
            except aiormq.exceptions.ChannelPreconditionFailed as error:
                log.error("topology conflict", detail=str(error), variable="HERALD_RETRY_DELAYS")
            except aiormq.exceptions.ChannelAccessRefused as error:
                log.error("broker rights are missing", detail=str(error), variable="HERALD_RABBITMQ_URL")
            except ValueError as error:
                raise SettingsError(f"HERALD_RABBITMQ_URL: {error}") from error
            except OUTAGES as error:
                log.warning("waiting for the broker", detail=str(error) or type(error).__name__)
            self._health.set(self._name, False)
            await asyncio.sleep(backoff.next())

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[None]:
        self._lost.clear()
        connection = await open_connection(self._urls, self._name)
        watch = asyncio.create_task(self._watch(connection))
        try:
            async with asyncio.timeout(30):
                if self._topology is not None:
                    await declare(connection, self._topology)
                await self._up(connection)
            self._connection = connection
            yield
        finally:
            self._connection = None
            watch.cancel()
            self._health.set(self._name, False)
            self._down()
            with contextlib.suppress(*OUTAGES):
                async with asyncio.timeout(3):
                    await connection.close()

    async def _watch(self, connection: AbstractConnection) -> None:
        await connection.closed()
        self._lost.set()

    async def _up(self, connection: AbstractConnection) -> None:
        raise NotImplementedError

    def _down(self) -> None:
        raise NotImplementedError


class Publisher(Link):
    """Publishes persistent bodies, mandatory, and returns when the broker has confirmed each."""

    def __init__(
        self,
        urls: str,
        name: str,
        health: Health,
        topology: Topology | None,
        *,
        patience: float = 5.0,
    ) -> None:
        super().__init__(urls, name, health, topology)
        self._patience = patience
        self._channels: list[tuple[AbstractChannel, UnderlayChannel]] = []
        self._turn = 0
        self._open = asyncio.Event()
        # More unconfirmed bodies at once give no more rate, only more memory.
        self._window = asyncio.Semaphore(200)

    @property
    def connected(self) -> bool:
        return self._open.is_set()

    async def publish(self, outgoing: Outgoing) -> None:
        """Publish one body and wait for the confirm, `patience` seconds at most in all.

        Raises Unroutable when no queue takes it, and Unpublished for everything else that went wrong.
        """
        try:
            async with asyncio.timeout(self._patience), self._window:
                try:
                    await self._send(outgoing)
                except PublishError:
                    await self._declare_again()
                    await self._send(outgoing)
        except PublishError as error:
            raise Unroutable(f"{outgoing.exchange} {outgoing.routing_key}") from error
        except TimeoutError as error:
            raise Unpublished(f"{outgoing.exchange}: not confirmed in {self._patience} s") from error
        except OUTAGES as error:
            raise Unpublished(f"{outgoing.exchange}: {error!r}") from error

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        """Publish many and say of each whether it was confirmed."""

        async def confirmed(outgoing: Outgoing) -> bool:
            try:
                await self.publish(outgoing)
            except Unpublished as error:
                logs.get().warning("publish failed", detail=str(error))
                return False
            return True

        return list(await asyncio.gather(*(confirmed(outgoing) for outgoing in outgoings)))

    async def count_ready(self, queue: str) -> int:
        """Count the bodies of a queue that are ready for delivery. Raises Unpublished when it cannot be told."""
        if self._connection is None:
            raise Unpublished("not connected")
        try:
            async with asyncio.timeout(self._patience), self._connection.channel() as channel:
                found = await channel.declare_queue(queue, passive=True)
                return found.declaration_result.message_count or 0
        except OUTAGES as error:
            raise Unpublished(f"{queue}: {error!r}") from error

    async def _send(self, outgoing: Outgoing) -> None:
        await self._open.wait()
        self._turn = (self._turn + 1) % len(self._channels)
        channel = self._channels[self._turn][1]
        if channel.is_closed:
            self.reconnect()
        await channel.basic_publish(
            outgoing.body,
            exchange=outgoing.exchange,
            routing_key=outgoing.routing_key,
            properties=Basic.Properties(
                delivery_mode=PERSISTENT,
                content_type="application/json",
                headers=dict(outgoing.headers) or None,
            ),
            mandatory=True,
            wait=False,
        )

    async def _declare_again(self) -> None:
        """Declare what is missing, after a pause.

        RabbitMQ 3.10 loses bodies of a queue that is declared again before its consumers were told that it was
        deleted: it takes them for delivered. Half a second is plenty for telling them.
        """
        await asyncio.sleep(REDECLARE_SECONDS)
        if self._topology is not None and self._connection is not None:
            logs.get().warning("topology was missing", connection=self._name)
            await declare(self._connection, self._topology)

    async def _up(self, connection: AbstractConnection) -> None:
        opened = []
        for _ in range(PUBLISH_CHANNELS):
            channel = connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.initialize()
            opened.append((channel, await _underlay(channel)))
        self._channels = opened
        self._open.set()

    def _down(self) -> None:
        self._open.clear()


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
        with contextlib.suppress(*OUTAGES):
            await self._channel.basic_ack(self._tag, wait=False)

    async def reject(self) -> None:
        """Refuse an unreadable body: a guarded queue sends it to its dead queue."""
        with contextlib.suppress(*OUTAGES):
            await self._channel.basic_reject(self._tag, requeue=False, wait=False)


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

    async def pause(self) -> None:
        """Ask for no more deliveries. What was delivered stays with the caller."""
        self._wanted = False
        if self._underlay is not None and self._tag is not None:
            tag, self._tag = self._tag, None
            with contextlib.suppress(*OUTAGES):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._underlay.basic_cancel(tag)

    async def resume(self) -> None:
        """Ask for deliveries again after a pause."""
        self._wanted = True
        if self._underlay is not None and self._tag is None:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._consume(self._underlay)
            except OUTAGES:
                self.reconnect()

    async def _up(self, connection: AbstractConnection) -> None:
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        await channel.set_qos(prefetch_count=self._prefetch)
        underlay = await _underlay(channel)
        underlay.on_consumer_cancel_callbacks.add(self._cancelled)
        self._channel, self._underlay, self._tag = channel, underlay, None
        if self._wanted:
            await self._consume(underlay)
        self._checker = asyncio.create_task(self._check_often(connection))

    async def _check_often(self, connection: AbstractConnection) -> None:
        """Reconnect when the queue, or our consumer of it, is gone without a word."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                async with asyncio.timeout(CONNECT_SECONDS), connection.channel() as channel:
                    found = (await channel.declare_queue(self._queue, passive=True)).declaration_result
            except OUTAGES as error:
                logs.get().warning("queue not found", queue=self._queue, detail=str(error) or type(error).__name__)
                self.reconnect()
                return
            if self._tag is not None and found.consumer_count == 0:
                logs.get().warning("consumer was forgotten", queue=self._queue)
                self.reconnect()
                return

    async def _consume(self, underlay: UnderlayChannel) -> None:
        started = await underlay.basic_consume(self._queue, self._deliver)
        self._tag = started.consumer_tag

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
        if self._checker is not None:
            self._checker.cancel()
