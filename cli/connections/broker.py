"""Opens a connection to RabbitMQ for a command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractConnection

from cli.connections.transport import judge
from cli.connections.waiting import Service, connect
from cli.failure import Failure
from shared.broker import BROKER_OUTAGES, BrokerRefused, describe, open_connection
from shared.broker.errors import REFUSED_HINT
from shared.transport import weaknesses_of_broker

# Long enough for a cluster of three nodes, two of which do not even refuse the connection.
CONNECT_SECONDS = 15


@asynccontextmanager
async def open_broker(
    url: str, wait_seconds: float = 0, remedy: str = "check HERALD_RABBITMQ_URL"
) -> AsyncIterator[AbstractConnection]:
    """Connects to RabbitMQ, and retries for `wait_seconds` while it does not answer. Raises Failure."""
    try:
        judge(weaknesses_of_broker(url))
    except ValueError as error:
        raise Failure(f"HERALD_RABBITMQ_URL: {error}", code=2) from error
    service = Service("RabbitMQ", remedy, BROKER_OUTAGES, describe)
    connection = await connect(service, lambda: _attempt(url), wait_seconds)
    try:
        yield connection
    finally:
        await connection.close()


async def _attempt(url: str) -> AbstractConnection:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await open_connection(url, "herald-command")
    except BrokerRefused as error:
        raise Failure(f"RabbitMQ refuses the connection: {describe(error)}: {REFUSED_HINT}", code=2) from error
