"""RabbitMQ connections that are opened again when they drop: one to publish with confirms, one to consume.

Publishing and consuming use separate connections, since a broker alarm blocks only those that publish. Herald
supervises each connection itself (docs/decisions/0002-own-connection-supervision.md): when it drops, its channels are
discarded, the topology is declared again, and consuming starts again.
"""

from shared.broker.consumer import Consumer, Delivery
from shared.broker.link import (
    BROKER_OUTAGES,
    BrokerAway,
    BrokerRefused,
    Link,
    declare,
    describe,
    open_connection,
    underlay_of,
)
from shared.broker.publisher import Depth, Outgoing, Publisher, Unpublished, Unroutable

__all__ = [
    "BROKER_OUTAGES",
    "BrokerAway",
    "BrokerRefused",
    "Consumer",
    "Delivery",
    "Depth",
    "Link",
    "Outgoing",
    "Publisher",
    "Unpublished",
    "Unroutable",
    "declare",
    "describe",
    "open_connection",
    "underlay_of",
]
