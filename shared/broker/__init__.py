"""RabbitMQ connections that come back: one to publish with confirms, one to consume.

Publishing and consuming have connections of their own, since a broker alarm blocks publishing ones only. Each is
a plain connection under our own supervision (see docs/decisions/0002): when it drops, everything that belonged
to it is thrown away, the topology is declared again, and consuming starts anew.
"""

from shared.broker.consumer import Consumer, Delivery
from shared.broker.link import (
    BROKER_OUTAGES,
    BrokerAway,
    BrokerRefused,
    Link,
    declare,
    open_connection,
    text_of,
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
    "open_connection",
    "text_of",
    "underlay_of",
]
