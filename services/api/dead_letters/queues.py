"""Reads the dead queues of the broker from the front, one letter at a time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aio_pika.abc import AbstractConnection
from aiohttp import web
from aiormq.channel import Channel
from aiormq.exceptions import ChannelAccessRefused
from pamqp.commands import Basic, Queue

from services.api.dead_letters.letter import Letter, read
from shared import topology
from shared.broker import BROKER_OUTAGES, Outgoing, Publisher, Unpublished, open_connection, underlay_of

CONNECTION = "api.dead-letters"
STEP_SECONDS = 10


AWAY = "RabbitMQ is unavailable, and the dead letters with it."
NO_RIGHTS = "The API's RabbitMQ user may not read the dead queues: grant it the right to read them."


class DeadQueuesUnavailable(Exception):
    """The broker cannot be reached, or refuses this user. The message gives the reason in a sentence for the caller.

    Letters that were not acknowledged are still in their queues.
    """


# A look gives letters back, which counts as a delivery, and RabbitMQ 4 drops what was delivered 20 times. So a letter
# that was looked at so often is published again, with its count at zero.
WORN_AFTER = 10
MOST_RENEWED = 1000


@dataclass(frozen=True, slots=True)
class FetchedLetter:
    """A letter, and the delivery tag to acknowledge it by."""

    letter: Letter
    tag: int


@dataclass(frozen=True, slots=True)
class WornLetter:
    """A letter that must not be returned to its queue much more often, and its body."""

    found: FetchedLetter
    raw: bytes

    def republished(self) -> Outgoing:
        """Returns the same letter for publishing, with the same id: its own headers replace those of x-death."""
        letter = self.found.letter
        headers: dict[str, str | int] = {"reason": letter.reason}
        if letter.at is not None:
            headers["at"] = letter.at.isoformat()
        return Outgoing(topology.DEAD, letter.queue, self.raw, headers)


class DeadQueueSession(Protocol):
    """The dead queues, open for one request."""

    def letters(self, queue: str) -> AsyncIterator[FetchedLetter]:
        """Yields the letters of a queue. Those that are not acknowledged return to it when the session closes."""
        ...

    async def acknowledge(self, found: Sequence[FetchedLetter]) -> None: ...

    async def purge(self, queue: str) -> int: ...

    async def publish(self, outgoings: Sequence[Outgoing]) -> list[bool]: ...


class DeadQueueOpener(Protocol):
    """Opens the dead queues."""

    def open(self) -> AbstractAsyncContextManager[DeadQueueSession]:
        """Opens the dead queues. Raises DeadQueuesUnavailable, also while they are open."""
        ...


DEAD_QUEUES = web.AppKey[DeadQueueOpener]("dead_queues")


class BrokerSession:
    """The dead queues over a connection of their own, since letters are returned by closing the channel."""

    def __init__(self, channel: Channel, publisher: Publisher) -> None:
        self._channel = channel
        self._publisher = publisher
        self._worn: dict[int, WornLetter] = {}

    async def letters(self, queue: str) -> AsyncIterator[FetchedLetter]:
        while True:
            async with asyncio.timeout(STEP_SECONDS):
                message = await self._channel.basic_get(queue)
            delivery = message.delivery
            if not isinstance(delivery, Basic.GetOk) or delivery.delivery_tag is None:
                return
            headers = message.header.properties.headers or {}
            found = FetchedLetter(read(queue, message.body, headers), delivery.delivery_tag)
            if _deliveries(headers) >= WORN_AFTER and len(self._worn) < MOST_RENEWED:
                self._worn[found.tag] = WornLetter(found, message.body)
            yield found

    async def acknowledge(self, found: Sequence[FetchedLetter]) -> None:
        for one in found:
            self._worn.pop(one.tag, None)
            await self._channel.basic_ack(one.tag)

    async def renew(self) -> None:
        """Publishes worn letters again, at the end of their queue, instead of returning them."""
        worn = list(self._worn.values())
        confirmed = await self._publisher.publish_all([one.republished() for one in worn])
        await self.acknowledge([one.found for one, done in zip(worn, confirmed, strict=True) if done])

    async def purge(self, queue: str) -> int:
        """Removes all letters of a queue, and returns their number."""
        async with asyncio.timeout(STEP_SECONDS):
            done = await self._channel.queue_purge(queue)
        return done.message_count or 0 if isinstance(done, Queue.PurgeOk) else 0

    async def publish(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        return await self._publisher.publish_all(outgoings)


class DeadQueues:
    """Opens the dead queues for one request at a time: concurrent requests would hide letters from each other."""

    def __init__(self, urls: str, publisher: Publisher) -> None:
        self._urls = urls
        self._publisher = publisher
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[DeadQueueSession]:
        """Opens the dead queues. Raises DeadQueuesUnavailable, also while they are open."""
        async with self._lock:
            try:
                async with await open_connection(self._urls, CONNECTION) as connection:
                    queues = BrokerSession(await _channel(connection), self._publisher)
                    yield queues
                    await queues.renew()
            except ChannelAccessRefused as error:
                raise DeadQueuesUnavailable(NO_RIGHTS) from error
            except (*BROKER_OUTAGES, Unpublished) as error:
                raise DeadQueuesUnavailable(AWAY) from error


def _deliveries(headers: Mapping[str, object]) -> int:
    """Returns how often a quorum queue has delivered a body before. The header may be forged."""
    count = headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


async def _channel(connection: AbstractConnection) -> Channel:
    channel = connection.channel(publisher_confirms=False)
    await channel.initialize()
    return await underlay_of(channel)
