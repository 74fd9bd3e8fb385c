"""Reads how much is in queues, with nothing but the right to connect."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from pamqp.commands import Queue

from shared.amqp import AmqpConnection, ObjectMissing, ProtocolViolation


@dataclass(frozen=True, slots=True)
class Depth:
    """The number of bodies of a queue that are ready for delivery, and of its consumers."""

    ready: int
    consumers: int


async def read_depths(connection: AmqpConnection, queues: Sequence[str]) -> dict[str, Depth]:
    """Reads the depth of each of these queues. Queues that do not exist are left out."""
    left, found = list(reversed(queues)), dict[str, Depth]()
    while left:
        await _read_until_missing(connection, left, found)
    return found


async def _read_until_missing(connection: AmqpConnection, left: list[str], found: dict[str, Depth]) -> None:
    """Reads depths over one channel, from the end of `left`. A missing queue closes the channel, and ends this."""
    with contextlib.suppress(ObjectMissing):
        async with connection.channel() as channel:
            while left:
                queue = left.pop()
                answer = await channel.ask(Queue.Declare(queue=queue, passive=True))
                if not isinstance(answer, Queue.DeclareOk):
                    raise ProtocolViolation(f"{answer.name} for a declared queue")
                found[queue] = Depth(answer.message_count or 0, answer.consumer_count or 0)
