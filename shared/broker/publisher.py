"""Publishes with confirms: a body counts as published once the broker has confirmed it."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.channel import Channel as UnderlayChannel
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity, PublishError
from pamqp.commands import Basic

from shared import logs
from shared.broker.link import BROKER_OUTAGES, RIGHTS_HINT, Link, declare, describe, underlay_of, with_remedy
from shared.health import Health
from shared.topology import Topology

REDECLARE_SECONDS = 0.5
PUBLISH_CHANNELS = 4
PERSISTENT = 2
# More unconfirmed bodies at once raise only the use of memory, not the rate.
WINDOW = 200


class Unpublished(Exception):
    """The broker did not confirm a body. Whether it arrived is unknown."""


class Unroutable(Unpublished):
    """No queue is bound for this routing key, even after the topology was declared again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A body to be published. Only people who look into a queue and the dead letters read the headers."""

    exchange: str
    routing_key: str
    body: bytes
    headers: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Depth:
    """The number of bodies of a queue that are ready for delivery, and of its consumers."""

    ready: int
    consumers: int


class Publisher(Link):
    """A connection that publishes persistent bodies as mandatory, and waits until the broker has confirmed them."""

    def __init__(
        self,
        urls: str,
        name: str,
        health: Health,
        topology: Topology | None,
        *,
        timeout: float = 5.0,
    ) -> None:
        super().__init__(urls, name, health, topology)
        self._timeout = timeout
        self._channels: list[tuple[AbstractChannel, UnderlayChannel]] = []
        self._next_channel = 0
        self._open = asyncio.Event()
        self._window = asyncio.Semaphore(WINDOW)
        self._denial_logged = False

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return self._open.is_set()

    async def publish(self, outgoing: Outgoing) -> None:
        """Publishes one body and waits for its confirm, for `timeout` seconds at most in all.

        Raises Unroutable when no queue takes it, and Unpublished for every other failure.
        """
        try:
            async with asyncio.timeout(self._timeout), self._window:
                try:
                    await self._send(outgoing)
                except PublishError:
                    await self._declare_again()
                    await self._send(outgoing)
                self._record_permission()
        except PublishError as error:
            raise Unroutable(f"{outgoing.exchange} {outgoing.routing_key}") from error
        except TimeoutError as error:
            raise Unpublished(f"{outgoing.exchange}: not confirmed in {self._timeout} s") from error
        except ChannelAccessRefused as error:
            self._record_denial(error)
            raise Unpublished(f"{outgoing.exchange}: {error!r}") from error
        except BROKER_OUTAGES as error:
            raise Unpublished(f"{outgoing.exchange}: {error!r}") from error

    def _record_permission(self) -> None:
        if not self._usable:
            self._usable = True
            self._health.set(self._name, True)

    def _record_denial(self, error: ChannelAccessRefused) -> None:
        """Makes the process unready until a body is published: a user may connect and lack the right to publish."""
        self._usable = False
        # Logged once for each connection: hundreds of bodies may be on their way.
        if not self._denial_logged:
            self._denial_logged = True
            logs.get().error(
                "broker rights are missing",
                connection=self._name,
                detail=describe(error),
                variable="HERALD_RABBITMQ_URL",
                remedy=RIGHTS_HINT,
            )
            self._health.set(self._name, False, with_remedy(error, RIGHTS_HINT))

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        """Publishes many bodies, as many at once as the window allows. Returns for each whether it was confirmed."""
        done = [False] * len(outgoings)
        left = iter(enumerate(outgoings))

        async def work() -> None:
            for place, outgoing in left:
                try:
                    await self.publish(outgoing)
                except Unpublished as error:
                    logs.get().warning("publish failed", detail=str(error))
                else:
                    done[place] = True

        await asyncio.gather(*(work() for _ in range(min(WINDOW, len(outgoings)))))
        return done

    async def count_ready(self, queue: str) -> int:
        """Counts the bodies of a queue that are ready for delivery. Raises Unpublished if the broker is away."""
        if self._connection is None:
            raise Unpublished("not connected")
        try:
            async with asyncio.timeout(self._timeout), self._connection.channel() as channel:
                found = await channel.declare_queue(queue, passive=True)
                return found.declaration_result.message_count or 0
        except BROKER_OUTAGES as error:
            raise Unpublished(f"{queue}: {error!r}") from error

    async def read_depths(self, queues: Sequence[str]) -> dict[str, Depth]:
        """Reads the depth of each of these queues. Queues that do not exist are left out.

        Needs no rights in RabbitMQ. Raises Unpublished when the broker does not answer.
        """
        if self._connection is None:
            raise Unpublished("not connected")
        left, found = list(reversed(queues)), dict[str, Depth]()
        try:
            async with asyncio.timeout(self._timeout):
                while left:
                    await _read_depths(self._connection, left, found)
        except BROKER_OUTAGES as error:
            raise Unpublished(f"queues: {error!r}") from error
        return found

    async def _send(self, outgoing: Outgoing) -> None:
        await self._open.wait()
        self._next_channel = (self._next_channel + 1) % len(self._channels)
        channel = self._channels[self._next_channel][1]
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
        """Declares the topology again, after a pause.

        RabbitMQ 3.10 loses bodies of a queue that is declared again before its consumers are notified of its deletion:
        it takes them for delivered. Half a second is plenty for the notifications.
        """
        await asyncio.sleep(REDECLARE_SECONDS)
        if self._topology is not None and self._connection is not None:
            logs.get().warning("topology declared again", connection=self._name)
            await declare(self._connection, self._topology)

    async def _up(self, connection: AbstractConnection) -> None:
        opened = []
        for _ in range(PUBLISH_CHANNELS):
            channel = connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.initialize()
            opened.append((channel, await underlay_of(channel)))
        self._channels = opened
        self._denial_logged = False
        self._open.set()

    def _down(self) -> None:
        self._open.clear()


async def _read_depths(connection: AbstractConnection, left: list[str], found: dict[str, Depth]) -> None:
    """Reads depths over one channel, from the end of `left`. A missing queue closes the channel, and ends this."""
    with contextlib.suppress(ChannelNotFoundEntity):
        async with connection.channel() as channel:
            while left:
                queue = left.pop()
                result = (await channel.declare_queue(queue, passive=True)).declaration_result
                found[queue] = Depth(result.message_count or 0, result.consumer_count or 0)
