"""herald topology: declare the exchanges, queues and bindings, and show them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiormq
from aio_pika.abc import AbstractConnection
from rich.console import Console

from cli.failure import Failure
from cli.run import run
from cli.tables import make_table
from shared import settings, topology
from shared.broker import OUTAGES, BrokerRefused, declare, open_connection, text_of
from shared.broker.link import CONFLICT_HINT, REFUSED_HINT, RIGHTS_HINT
from shared.settings import BrokerSettings
from shared.topology import Topology

# Long enough for three nodes of which two do not even refuse.
PATIENCE_SECONDS = 15


def topology_command() -> None:
    """Declare exchanges, queues and bindings, and show them."""
    run(_declare())


@asynccontextmanager
async def open_broker(url: str) -> AsyncIterator[AbstractConnection]:
    """Connect for the time of the block. Raises Failure when the broker is away or refuses."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            connection = await open_connection(url, "herald-command")
    except ValueError as error:
        raise Failure(f"HERALD_RABBITMQ_URL: {error}", code=2) from error
    except BrokerRefused as error:
        raise Failure(f"RabbitMQ refuses: {text_of(error)}: {REFUSED_HINT}", code=2) from error
    except OUTAGES as error:
        raise Failure(f"no RabbitMQ answers at HERALD_RABBITMQ_URL: {text_of(error)}") from error
    try:
        yield connection
    finally:
        await connection.close()


async def _declare() -> None:
    config = settings.load(BrokerSettings)
    table = topology.build(config.retry_delays)
    async with open_broker(config.rabbitmq_url.get_secret_value()) as connection:
        try:
            await declare(connection, table)
        except aiormq.exceptions.ChannelPreconditionFailed as error:
            raise Failure(f"the broker refuses the topology: {text_of(error)}: {CONFLICT_HINT}") from error
        except aiormq.exceptions.ChannelAccessRefused as error:
            raise Failure(f"the broker refuses the topology: {text_of(error)}: {RIGHTS_HINT}") from error
    _show(table)


def _show(table: Topology) -> None:
    console = Console()
    console.print(make_table("exchanges", ("name", "kind"), [(each.name, each.kind) for each in table.exchanges]))
    queues = [(queue.name, _arguments(queue.arguments)) for queue in table.queues]
    console.print(make_table("queues", ("name", "arguments"), queues))
    bindings = [(binding.exchange, binding.key, binding.queue) for binding in table.bindings]
    console.print(make_table("bindings", ("exchange", "key", "queue"), bindings))


def _arguments(arguments: dict[str, topology.Argument]) -> str:
    return "\n".join(f"{name.removeprefix('x-')} {value}" for name, value in arguments.items())
