"""The dead queues on the broker: looked through from the front, a letter at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aio_pika.abc import AbstractConnection
from aiormq.channel import Channel
from pamqp.commands import Basic, Queue

from services.api.letters import Letter, read
from shared.broker import OUTAGES, Outgoing, Publisher, Unpublished, open_connection, underlay_of

CONNECTION = "api.dead-letters"
STEP_SECONDS = 10


class BrokerAway(Exception):
    """The broker does not answer. What was not acknowledged is still where it was."""


@dataclass(frozen=True, slots=True)
class Found:
    """A letter, and the tag to acknowledge it by."""

    letter: Letter
    tag: int


class Queues(Protocol):
    """The dead queues, open for one request."""

    def letters(self, queue: str) -> AsyncIterator[Found]:
        """Go through a queue. What is not acknowledged goes back to its place when the queues are closed."""
        ...

    async def acknowledge(self, found: Sequence[Found]) -> None: ...

    async def purge(self, queue: str) -> int: ...

    async def publish(self, outgoings: Sequence[Outgoing]) -> list[bool]: ...


class OpensQueues(Protocol):
    def open(self) -> AbstractAsyncContextManager[Queues]:
        """Open the dead queues. Raises BrokerAway, also in the middle."""
        ...


class OpenQueues:
    """The dead queues over a connection of their own, since giving letters back means closing a channel."""

    def __init__(self, channel: Channel, publisher: Publisher) -> None:
        self._channel, self._publisher = channel, publisher

    async def letters(self, queue: str) -> AsyncIterator[Found]:
        while True:
            async with asyncio.timeout(STEP_SECONDS):
                message = await self._channel.basic_get(queue)
            delivery = message.delivery
            if not isinstance(delivery, Basic.GetOk) or delivery.delivery_tag is None:
                return
            yield Found(read(queue, message.body, message.header.properties.headers or {}), delivery.delivery_tag)

    async def acknowledge(self, found: Sequence[Found]) -> None:
        for one in found:
            await self._channel.basic_ack(one.tag)

    async def purge(self, queue: str) -> int:
        """Remove all letters of a queue, and return how many there were."""
        async with asyncio.timeout(STEP_SECONDS):
            done = await self._channel.queue_purge(queue)
        return done.message_count or 0 if isinstance(done, Queue.PurgeOk) else 0

    async def publish(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        return await self._publisher.publish_all(outgoings)


class DeadQueues:
    """Opens the dead queues, for one request at a time: two would hide letters from each other."""

    def __init__(self, urls: str, publisher: Publisher) -> None:
        self._urls, self._publisher = urls, publisher
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Queues]:
        """Raises BrokerAway, also in the middle."""
        async with self._turn:
            try:
                async with await open_connection(self._urls, CONNECTION) as connection:
                    yield OpenQueues(await _channel(connection), self._publisher)
            except (*OUTAGES, Unpublished) as error:
                raise BrokerAway from error


async def _channel(connection: AbstractConnection) -> Channel:
    channel = connection.channel(publisher_confirms=False)
    await channel.initialize()
    return await underlay_of(channel)
