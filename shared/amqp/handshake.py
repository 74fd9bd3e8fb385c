"""Opens a connection: TCP or TLS, the user, what both sides agree on, and the virtual host."""

import asyncio
import base64
import ssl

from pamqp.commands import Connection as ConnectionClass
from yarl import URL

from shared import amqp_urls
from shared.amqp.connection import MOST_CHANNELS, AmqpConnection
from shared.amqp.errors import ConnectionEnded, LoginRefused, ProtocolViolation, VirtualHostRefused
from shared.amqp.frames import FRAME_MAX, PROTOCOL_HEADER, pack_method

# The smallest frame that AMQP lets a peer ask for.
LEAST_FRAME_MAX = 4096
CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "publisher_confirms": True,
}
_LOGIN_CODE, _VHOST_CODE = "403 ", "530 "


async def open_connection(url: URL, name: str, *, heartbeat: int) -> AmqpConnection:
    """Connects to the broker of one URL. `name` shows in its management UI; `heartbeat` is in seconds.

    Raises LoginRefused or VirtualHostRefused, and ConnectionEnded or OSError for every other failure. Waits without an
    end for a broker that does not answer.
    """
    context = await asyncio.to_thread(_make_context, url) if url.scheme == "amqps" else None
    loop, port = asyncio.get_running_loop(), url.explicit_port or amqp_urls.PORTS[url.scheme]
    _, connection = await loop.create_connection(AmqpConnection, url.host or "", port, ssl=context)
    try:
        connection.write(PROTOCOL_HEADER)
        await _log_in(connection, url, name, heartbeat)
        await _enter(connection, vhost_of(url))
    except BaseException:
        connection.fail(ConnectionEnded("not opened"))
        raise
    return connection


def vhost_of(url: URL) -> str:
    """Returns the virtual host that a URL names, / if it names none."""
    return url.path.removeprefix("/").replace("%2F", "/") or "/"


async def _log_in(connection: AmqpConnection, url: URL, name: str, heartbeat: int) -> None:
    await connection.expect(ConnectionClass.Start.name)
    login = ConnectionClass.StartOk(
        client_properties={"product": "Herald", "connection_name": name, "capabilities": dict(CAPABILITIES)},
        mechanism="PLAIN",
        response=f"\0{url.user or 'guest'}\0{url.password or 'guest'}",
        locale="en_US",
    )
    connection.write(pack_method(0, login))
    try:
        tune = await connection.expect(ConnectionClass.Tune.name)
    except ConnectionEnded as error:
        text = str(error)
        if text.startswith(_LOGIN_CODE):
            raise LoginRefused(text.removeprefix(_LOGIN_CODE)) from error
        raise
    if isinstance(tune, ConnectionClass.Tune):
        _agree(connection, tune, heartbeat)


def _agree(connection: AmqpConnection, tune: ConnectionClass.Tune, heartbeat: int) -> None:
    """Takes the smaller of both sides' limits, where 0 means none."""
    frame_max = min(tune.frame_max or FRAME_MAX, FRAME_MAX)
    if frame_max < LEAST_FRAME_MAX:
        raise ProtocolViolation(f"frames of {frame_max} bytes")
    channel_max = min(tune.channel_max or MOST_CHANNELS, MOST_CHANNELS)
    seconds = min(tune.heartbeat or heartbeat, heartbeat)
    connection.write(pack_method(0, ConnectionClass.TuneOk(channel_max, frame_max, seconds)))
    connection.tune(frame_max, channel_max, seconds)


async def _enter(connection: AmqpConnection, vhost: str) -> None:
    try:
        await connection.ask(ConnectionClass.Open(vhost))
    except ConnectionEnded as error:
        if str(error).startswith(_VHOST_CODE):
            raise VirtualHostRefused(f"no virtual host {vhost!r} for this user") from error
        raise


def _make_context(url: URL) -> ssl.SSLContext:
    """Makes a context that verifies the broker's certificate, by the authorities that the URL's query names if any."""
    query = url.query
    cadata = base64.b64decode(query["cadata"]) if "cadata" in query else None
    context = ssl.create_default_context(cafile=query.get("cafile"), capath=query.get("capath"), cadata=cadata)
    if "certfile" in query:
        context.load_cert_chain(query["certfile"], query.get("keyfile"))
    if amqp_urls.skips_verification(url):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
