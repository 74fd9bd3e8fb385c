"""herald topology: declares the exchanges, queues and bindings, and prints them."""

import aiormq
from rich.console import Console

from cli.connections.broker import open_broker
from cli.failure import Failure
from cli.run import run
from cli.terminal.tables import make_table
from shared import settings, topology
from shared.broker import declare, describe
from shared.broker.errors import CONFLICT_HINT, RIGHTS_HINT
from shared.settings import BrokerSettings
from shared.topology import Topology

# In containers the broker often starts at the same moment as this command.
WAIT_SECONDS = 60


def topology_command() -> None:
    """Declare the exchanges, queues and bindings in RabbitMQ, and print them.

    Waits up to a minute for RabbitMQ.
    """
    run(_declare())


async def _declare() -> None:
    config = settings.load(BrokerSettings)
    table = topology.build(config.retry_delays)
    async with open_broker(config.rabbitmq_url.get_secret_value(), WAIT_SECONDS) as connection:
        try:
            await declare(connection, table)
        except aiormq.exceptions.ChannelPreconditionFailed as error:
            raise Failure(f"RabbitMQ refuses the topology: {describe(error)}: {CONFLICT_HINT}") from error
        except aiormq.exceptions.ChannelAccessRefused as error:
            raise Failure(f"RabbitMQ refuses the topology: {describe(error)}: {RIGHTS_HINT}") from error
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
