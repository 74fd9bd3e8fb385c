"""RabbitMQ connections that are opened again when they drop: one to publish with confirms, one to consume.

Publishing and consuming use separate connections, since a broker alarm blocks only those that publish. Herald
supervises each connection itself (docs/decisions/0002-own-connection-supervision.md): when it drops, its channels are
discarded, the topology is declared again, and consuming starts again. The frames are the work of shared/amqp
(docs/decisions/0061-own-amqp-client.md); `open_connection` opens one of aio-pika, for what is done rarely.
"""

from shared.broker.consumer import Consumer, Delivery
from shared.broker.declaration import declare
from shared.broker.depths import Depth
from shared.broker.errors import BROKER_OUTAGES, BrokerAway, BrokerRefused, describe
from shared.broker.outgoing import Outgoing, Unpublished, Unroutable
from shared.broker.publisher import Publisher
from shared.broker.rare import open_connection, underlay_of

__all__ = [
    "BROKER_OUTAGES",
    "BrokerAway",
    "BrokerRefused",
    "Consumer",
    "Delivery",
    "Depth",
    "Outgoing",
    "Publisher",
    "Unpublished",
    "Unroutable",
    "declare",
    "describe",
    "open_connection",
    "underlay_of",
]
