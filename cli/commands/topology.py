"""herald topology: declares the exchanges, queues and bindings, and prints them."""

import aiormq

from cli.commands.options import AsJson
from cli.connections.addresses import find_broker
from cli.connections.broker import open_broker
from cli.failure import Failure
from cli.run import run
from cli.terminal.output import print_json, print_table
from cli.terminal.tables import make_table
from shared import settings, topology
from shared.broker import declare, describe
from shared.broker.errors import CONFLICT_HINT, RIGHTS_HINT
from shared.settings import BrokerSettings
from shared.topology import Topology

# In containers the broker often starts at the same moment as this command.
WAIT_SECONDS = 60


def topology_command(as_json: AsJson = False) -> None:
    """Declare the exchanges, queues and bindings in RabbitMQ, and print them.

    Waits up to a minute for the RabbitMQ of HERALD_RABBITMQ_URL.
    """
    run(_declare(as_json))


async def _declare(as_json: bool) -> None:
    table = topology.build(settings.load(BrokerSettings).retry_delays)
    found = find_broker()
    async with open_broker(found.url, WAIT_SECONDS if found.given else 0, found.remedy) as connection:
        try:
            await declare(connection, table)
        except aiormq.exceptions.ChannelPreconditionFailed as error:
            raise Failure(f"RabbitMQ refuses the topology: {describe(error)}: {CONFLICT_HINT}") from error
        except aiormq.exceptions.ChannelAccessRefused as error:
            raise Failure(f"RabbitMQ refuses the topology: {describe(error)}: {RIGHTS_HINT}") from error
    if as_json:
        print_json(table)
    else:
        _show(table)


def _show(table: Topology) -> None:
    print_table(make_table("exchanges", ("name", "kind"), [(each.name, each.kind) for each in table.exchanges]))
    queues = [(queue.name, _arguments(queue.arguments)) for queue in table.queues]
    print_table(make_table("queues", ("name", "arguments"), queues))
    bindings = [(binding.exchange, binding.key, binding.queue) for binding in table.bindings]
    print_table(make_table("bindings", ("exchange", "key", "queue"), bindings))


def _arguments(arguments: dict[str, topology.Argument]) -> str:
    return "\n".join(f"{name.removeprefix('x-')} {value}" for name, value in arguments.items())
