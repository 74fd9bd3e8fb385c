"""A connection to the broker for a command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer
from aio_pika.abc import AbstractConnection

from cli.failure import Failure
from shared.broker import OUTAGES, BrokerRefused, open_connection, text_of
from shared.broker.link import REFUSED_HINT
from shared.startup import Backoff

# Long enough for three nodes of which two do not even refuse.
CONNECT_SECONDS = 15


@asynccontextmanager
async def open_broker(url: str, patience: float = 0) -> AsyncIterator[AbstractConnection]:
    """Connect, and keep trying for `patience` seconds while the broker is away. Raises Failure."""
    connection = await _connect(url, patience)
    try:
        yield connection
    finally:
        await connection.close()


async def _connect(url: str, patience: float) -> AbstractConnection:
    backoff, deadline = Backoff(), asyncio.get_running_loop().time() + patience
    while True:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await open_connection(url, "herald-command")
        except ValueError as error:
            raise Failure(f"HERALD_RABBITMQ_URL: {error}", code=2) from error
        except BrokerRefused as error:
            raise Failure(f"RabbitMQ refuses: {text_of(error)}: {REFUSED_HINT}", code=2) from error
        except OUTAGES as error:
            if asyncio.get_running_loop().time() >= deadline:
                raise Failure(f"no RabbitMQ answers at HERALD_RABBITMQ_URL: {text_of(error)}") from error
            typer.echo(f"waiting for RabbitMQ: {text_of(error)}", err=True)
        await asyncio.sleep(backoff.next())
