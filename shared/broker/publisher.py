"""Publishing with confirms: a body is published when the broker has said so."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.channel import Channel as UnderlayChannel
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity, PublishError
from pamqp.commands import Basic

from shared import logs
from shared.broker.link import BROKER_OUTAGES, RIGHTS_HINT, Link, declare, text_of, underlay_of, with_remedy
from shared.health import Health
from shared.topology import Topology

REDECLARE_SECONDS = 0.5
PUBLISH_CHANNELS = 4
PERSISTENT = 2
# More unconfirmed bodies at once give no more rate, only more memory.
WINDOW = 200


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


@dataclass(frozen=True, slots=True)
class Depth:
    """How many bodies of a queue are ready for delivery, and how many consumers it has."""

    ready: int
    consumers: int


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
        self._window = asyncio.Semaphore(WINDOW)
        self._told = False

    @property
    def connected(self) -> bool:
        return self._open.is_set()

    async def publish(self, outgoing: Outgoing) -> None:
        """Publishes one body and waits for the confirm, `patience` seconds at most in all.

        Raises Unroutable when no queue takes it, and Unpublished for everything else that went wrong.
        """
        try:
            async with asyncio.timeout(self._patience), self._window:
                try:
                    await self._send(outgoing)
                except PublishError:
                    await self._declare_again()
                    await self._send(outgoing)
                self._allowed()
        except PublishError as error:
            raise Unroutable(f"{outgoing.exchange} {outgoing.routing_key}") from error
        except TimeoutError as error:
            raise Unpublished(f"{outgoing.exchange}: not confirmed in {self._patience} s") from error
        except ChannelAccessRefused as error:
            self._denied(error)
            raise Unpublished(f"{outgoing.exchange}: {error!r}") from error
        except BROKER_OUTAGES as error:
            raise Unpublished(f"{outgoing.exchange}: {error!r}") from error

    def _allowed(self) -> None:
        if not self._usable:
            self._usable = True
            self._health.set(self._name, True)

    def _denied(self, error: ChannelAccessRefused) -> None:
        """Be unready until something is published again: who may connect need not be allowed to publish."""
        self._usable = False
        # Once a connection: hundreds of bodies may be on their way.
        if not self._told:
            self._told = True
            logs.get().error(
                "broker rights are missing",
                connection=self._name,
                detail=text_of(error),
                variable="HERALD_RABBITMQ_URL",
                remedy=RIGHTS_HINT,
            )
            self._health.set(self._name, False, with_remedy(error, RIGHTS_HINT))

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        """Publishes many, so many at once as the window allows, and say of each whether it was confirmed."""
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
        """Counts the bodies of a queue that are ready for delivery. Raises Unpublished when it cannot be told."""
        if self._connection is None:
            raise Unpublished("not connected")
        try:
            async with asyncio.timeout(self._patience), self._connection.channel() as channel:
                found = await channel.declare_queue(queue, passive=True)
                return found.declaration_result.message_count or 0
        except BROKER_OUTAGES as error:
            raise Unpublished(f"{queue}: {error!r}") from error

    async def look_into(self, queues: Sequence[str]) -> dict[str, Depth]:
        """Counts what is ready in each of these queues; those that do not exist are left out.

        Needs no rights in RabbitMQ. Raises Unpublished when it cannot be told.
        """
        if self._connection is None:
            raise Unpublished("not connected")
        left, found = list(reversed(queues)), dict[str, Depth]()
        try:
            async with asyncio.timeout(self._patience):
                while left:
                    await _look(self._connection, left, found)
        except BROKER_OUTAGES as error:
            raise Unpublished(f"queues: {error!r}") from error
        return found

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
        """Declares what is missing, after a pause.

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
            opened.append((channel, await underlay_of(channel)))
        self._channels, self._told = opened, False
        self._open.set()

    def _down(self) -> None:
        self._open.clear()


async def _look(connection: AbstractConnection, left: list[str], found: dict[str, Depth]) -> None:
    """Counts over one channel, from the end of `left`, until nothing is left or a queue is missing: that closes it."""
    with contextlib.suppress(ChannelNotFoundEntity):
        async with connection.channel() as channel:
            while left:
                queue = left.pop()
                result = (await channel.declare_queue(queue, passive=True)).declaration_result
                found[queue] = Depth(result.message_count or 0, result.consumer_count or 0)
