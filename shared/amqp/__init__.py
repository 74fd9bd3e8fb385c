"""A small AMQP 0-9-1 client for RabbitMQ, made for many small bodies.

Frames are cut as they come, and everything that is sent in one turn of the event loop leaves in one write. Bodies are
published with confirms, and acknowledgements leave together. What this folder does not do, such as opening a connection
again, is up to shared/broker (docs/decisions/0061-own-amqp-client.md).
"""

from shared.amqp.channel import Channel
from shared.amqp.confirms import ConfirmChannel
from shared.amqp.connection import AmqpConnection
from shared.amqp.deliveries import DeliveryChannel
from shared.amqp.errors import (
    AccessRefused,
    AmqpError,
    BodyRefused,
    BodyReturned,
    ChannelEnded,
    ConnectionEnded,
    LoginRefused,
    ObjectDiffers,
    ObjectMissing,
    ProtocolViolation,
    VirtualHostRefused,
)
from shared.amqp.handshake import open_connection

__all__ = [
    "AccessRefused",
    "AmqpConnection",
    "AmqpError",
    "BodyRefused",
    "BodyReturned",
    "Channel",
    "ChannelEnded",
    "ConfirmChannel",
    "ConnectionEnded",
    "DeliveryChannel",
    "LoginRefused",
    "ObjectDiffers",
    "ObjectMissing",
    "ProtocolViolation",
    "VirtualHostRefused",
    "open_connection",
]
