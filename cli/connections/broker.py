"""A connection to the broker for a command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractConnection

from cli.connections.waiting import Service, connect
from cli.failure import Failure
from shared.broker import BROKER_OUTAGES, BrokerRefused, open_connection, text_of
from shared.broker.link import REFUSED_HINT

BROKER = Service("RabbitMQ", "HERALD_RABBITMQ_URL", BROKER_OUTAGES, text_of)
# Long enough for three nodes of which two do not even refuse.
CONNECT_SECONDS = 15


@asynccontextmanager
async def open_broker(url: str, patience: float = 0) -> AsyncIterator[AbstractConnection]:
    """Connects, and keeps trying for `patience` seconds while the broker is away. Raises Failure."""
    connection = await connect(BROKER, lambda: _attempt(url), patience)
    try:
        yield connection
    finally:
        await connection.close()


async def _attempt(url: str) -> AbstractConnection:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await open_connection(url, "herald-command")
    except ValueError as error:
        raise Failure(f"HERALD_RABBITMQ_URL: {error}", code=2) from error
    except BrokerRefused as error:
        raise Failure(f"RabbitMQ refuses: {text_of(error)}: {REFUSED_HINT}", code=2) from error
