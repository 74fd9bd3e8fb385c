"""A broker that delivers every body again: twice more, late, and out of order."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shared import topology

TAPPED = (
    (topology.MAILINGS, "#"),
    (topology.JOBS, topology.SEND_KEY),
    *((topology.RETRY, f"dispatcher.retry.{delay}") for delay in ("1s", "2s", "5s")),
    (topology.RESULTS, topology.RESULT_KEY),
)
COPIES, LATEST_SECONDS = 2, 6.0
# Marks a copy, which is not copied again.
COPY = "chaos-copy"


@contextlib.asynccontextmanager
async def doubled(broker_url: str) -> AsyncIterator[list[int]]:
    """Doubles what is published while the block runs. Yields a list that holds the number of copies so far."""
    connection, count = await aio_pika.connect(broker_url), [0]
    async with connection, connection.channel() as channel, asyncio.TaskGroup() as late:

        async def again(message: AbstractIncomingMessage) -> None:
            await asyncio.sleep(random.uniform(0, LATEST_SECONDS))
            exchange = await channel.get_exchange(message.exchange or "", ensure=False)
            copy = aio_pika.Message(message.body, headers={**message.headers, COPY: 1})
            await exchange.publish(copy, message.routing_key or "")
            count[0] += 1

        async def copy(message: AbstractIncomingMessage) -> None:
            if COPY not in message.headers:
                for _ in range(COPIES):
                    late.create_task(again(message))

        tap = await channel.declare_queue(exclusive=True)
        for exchange, key in TAPPED:
            await tap.bind(exchange, key)
        tag = await tap.consume(copy, no_ack=True)
        try:
            yield count
        finally:
            await tap.cancel(tag)
