"""Connections of aio-pika, for what is done rarely: commands, and the dead letters of the API."""

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.channel import Channel as UnderlayChannel
from yarl import URL

from shared.broker.errors import BrokerRefused
from shared.broker.nodes import CONNECT_SECONDS, HEARTBEAT_SECONDS, open_any


async def open_connection(urls: str, name: str) -> AbstractConnection:
    """Connects to one of the comma-separated URLs, tried in random order. `name` shows in the management UI.

    Raises BrokerRefused or BrokerAway when none of them can be used, and ValueError for a malformed URL.
    """
    return await open_any(urls, name, _connect)


async def _connect(url: URL, name: str) -> AbstractConnection:
    try:
        return await aio_pika.connect(
            url.update_query(heartbeat=HEARTBEAT_SECONDS),
            timeout=CONNECT_SECONDS,
            client_properties={"connection_name": name},
        )
    except aiormq.exceptions.InvalidFrameError as error:
        # aiormq hides the frame with RabbitMQ's reason. At this point of the handshake it is the virtual host.
        if "Connection.OpenOk" in str(error):
            raise BrokerRefused(f"no virtual host {url.path.removeprefix('/') or '/'!r} for this user") from error
        raise


async def underlay_of(channel: AbstractChannel) -> UnderlayChannel:
    """Returns the aiormq channel, which can write without waiting for each frame to be drained."""
    underlay = await channel.get_underlay_channel()
    if not isinstance(underlay, UnderlayChannel):
        raise TypeError(f"unexpected channel {underlay!r}")
    return underlay
