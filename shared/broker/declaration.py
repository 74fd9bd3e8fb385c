"""Declares the topology, over a channel of either client."""

from collections.abc import Iterator

from aio_pika.abc import AbstractConnection
from pamqp.base import Frame
from pamqp.commands import Exchange, Queue

from shared.amqp import AmqpConnection
from shared.broker.rare import underlay_of
from shared.topology import Topology


async def declare(connection: AmqpConnection | AbstractConnection, topology: Topology) -> None:
    """Declares everything in the table. Raises the client's error when an object exists with other arguments."""
    if isinstance(connection, AmqpConnection):
        async with connection.channel() as channel:
            for method in _declarations(topology):
                await channel.ask(method)
        return
    async with connection.channel() as other:
        underlay = await underlay_of(other)
        for method in _declarations(topology):
            await underlay.rpc(method)


def _declarations(topology: Topology) -> Iterator[Frame]:
    for exchange in topology.exchanges:
        yield Exchange.Declare(exchange=exchange.name, exchange_type=exchange.kind, durable=True)
    for queue in topology.queues:
        yield Queue.Declare(queue=queue.name, durable=True, arguments=dict(queue.arguments))
    for binding in topology.bindings:
        yield Queue.Bind(queue=binding.queue, exchange=binding.exchange, routing_key=binding.key)
