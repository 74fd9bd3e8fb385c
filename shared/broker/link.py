"""A supervised connection to RabbitMQ, and the declaration of the topology over it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel, AbstractConnection, ExchangeType
from aiormq.channel import Channel as UnderlayChannel
from structlog.typing import FilteringBoundLogger
from yarl import URL

from shared import amqp_urls, logs
from shared.health import Health
from shared.settings import SettingsError
from shared.topology import Topology
from shared.waiting import Backoff

CONNECT_SECONDS = 5
HEARTBEAT_SECONDS = 10

BROKER_OUTAGES = (aiormq.exceptions.AMQPError, OSError, TimeoutError, RuntimeError)
_REFUSED = (aiormq.exceptions.AuthenticationError, aiormq.exceptions.ProbableAuthenticationError)
# What to do about a refusal of the broker, for the log and for the reasons in /readyz.
REFUSED_HINT = "check the user, the password and the virtual host of HERALD_RABBITMQ_URL"
CONFLICT_HINT = "give every process the same HERALD_RETRY_DELAYS, or delete the queue that differs"
RIGHTS_HINT = "give the user of HERALD_RABBITMQ_URL the rights that deploy/README.md lists"
MISSING_HINT = "run `herald topology`, or set HERALD_DECLARE=on"


class BrokerAway(ConnectionError):
    """No node answers. The text names each node and its error."""


class BrokerRefused(ConnectionError):
    """No node can be used, and at least one refuses the user, the password or the virtual host. The text names it."""


async def declare(connection: AbstractConnection, topology: Topology) -> None:
    """Declares everything in the table. Raises aiormq errors when an object exists with other arguments."""
    async with connection.channel() as channel:
        for exchange in topology.exchanges:
            await channel.declare_exchange(exchange.name, ExchangeType(exchange.kind), durable=True)
        for queue in topology.queues:
            await channel.declare_queue(queue.name, durable=True, arguments=dict(queue.arguments))
        underlay = await channel.get_underlay_channel()
        for binding in topology.bindings:
            await underlay.queue_bind(binding.queue, binding.exchange, binding.key)


async def open_connection(urls: str, name: str) -> AbstractConnection:
    """Connects to one of the comma-separated URLs, tried in random order. `name` shows in the management UI.

    Raises BrokerRefused or BrokerAway when none of them can be used, and ValueError for a malformed URL.
    """
    choices = list(amqp_urls.parse(urls))
    random.shuffle(choices)
    failures: list[tuple[str, BaseException]] = []
    for choice in choices:
        try:
            connection = await _connect(choice, name)
        except BROKER_OUTAGES as error:
            failures.append((amqp_urls.host_and_port(choice), error))
        else:
            if failures:
                logs.get().warning("broker node passed over", connection=name, detail=_list_failures(failures))
            return connection
    refused = any(_is_refusal(error) for _, error in failures)
    raise (BrokerRefused if refused else BrokerAway)(_list_failures(failures)) from failures[-1][1]


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


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, (*_REFUSED, BrokerRefused))


def _list_failures(failures: list[tuple[str, BaseException]]) -> str:
    return "; ".join(f"{place}: {describe(error)}" for place, error in failures)


def describe(error: BaseException) -> str:
    """Returns the text of a broker's error, in one line. Some have it in their arguments, and some have none."""
    if isinstance(error, aiormq.exceptions.ConnectionClosed):
        return " ".join(str(part) for part in error.args)
    return str(error).partition("\n")[0] or type(error).__name__


def with_remedy(error: BaseException, remedy: str) -> str:
    """Returns the text of an error and what to change, for /readyz."""
    return f"{describe(error)}: {remedy}"


async def underlay_of(channel: AbstractChannel) -> UnderlayChannel:
    """Returns the aiormq channel, which can write without waiting for each frame to be drained."""
    underlay = await channel.get_underlay_channel()
    if not isinstance(underlay, UnderlayChannel):
        raise TypeError(f"unexpected channel {underlay!r}")
    return underlay


def _log_failure(log: FilteringBoundLogger, error: BaseException) -> str:
    """Logs why a connection cannot be used, and returns it for /readyz, with what to change."""
    detail, variable = describe(error), "HERALD_RABBITMQ_URL"
    match error:
        case BrokerRefused():
            log.error("broker refused the connection", detail=detail, variable=variable, remedy=REFUSED_HINT)
            return with_remedy(error, REFUSED_HINT)
        case aiormq.exceptions.ChannelPreconditionFailed():
            log.error("topology conflict", detail=detail, variable="HERALD_RETRY_DELAYS", remedy=CONFLICT_HINT)
            return with_remedy(error, CONFLICT_HINT)
        case aiormq.exceptions.ChannelAccessRefused():
            log.error("broker rights are missing", detail=detail, variable=variable, remedy=RIGHTS_HINT)
            return with_remedy(error, RIGHTS_HINT)
        case aiormq.exceptions.ChannelNotFoundEntity():
            log.error("topology is missing", detail=detail, variable="HERALD_DECLARE", remedy=MISSING_HINT)
            return with_remedy(error, MISSING_HINT)
        case _:
            log.warning("waiting for the broker", detail=detail)
            return detail


class Link:
    """One supervised connection. Subclasses define what happens when it opens and when it ends."""

    def __init__(self, urls: str, name: str, health: Health, topology: Topology | None) -> None:
        self._urls = urls
        self._name = name
        self._health = health
        self._topology = topology
        self._connection: AbstractConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._closing = False
        # False while the connection is open and its user lacks a right that it needs.
        self._usable = True
        health.require(name)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._supervise(), name=self._name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # aiormq turns a cancellation while it connects into an error of its own, after which the loop would continue.
        self._closing = True
        self._lost.set()
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=0.5)

    def reconnect(self) -> None:
        """Closes the connection and opens a new one."""
        self._lost.set()

    async def check(self) -> None:
        """Waits for the supervision to end, and raises the error that ended it, such as a malformed URL."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _supervise(self) -> None:
        backoff, log = Backoff(), logs.get().bind(connection=self._name)
        while not self._closing:
            reason = "connection lost"
            try:
                async with self._session():
                    if self._usable:
                        backoff.reset()
                    self._health.set(self._name, self._usable)
                    log.info("broker connected")
                    await self._lost.wait()
                log.warning("broker connection lost")
            except ValueError as error:
                raise SettingsError(f"HERALD_RABBITMQ_URL: {error}") from error
            except BROKER_OUTAGES as error:
                reason = _log_failure(log, error)
            self._health.set(self._name, False, reason)
            await asyncio.sleep(backoff.next())

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[None]:
        self._lost.clear()
        connection = await open_connection(self._urls, self._name)
        watch = asyncio.create_task(self._watch(connection))
        try:
            async with asyncio.timeout(30):
                if self._topology is not None:
                    await declare(connection, self._topology)
                await self._up(connection)
            self._connection = connection
            yield
        finally:
            self._connection = None
            watch.cancel()
            self._health.set(self._name, False)
            self._down()
            with contextlib.suppress(*BROKER_OUTAGES):
                async with asyncio.timeout(3):
                    await connection.close()

    async def _watch(self, connection: AbstractConnection) -> None:
        """Sets `_lost` when the connection ends.

        aio-pika does not notice a broker that dies without closing; the aiormq connection below does.
        """
        ends: list[asyncio.Future[Any]] = [asyncio.ensure_future(connection.closed())]
        if connection.transport is not None:
            ends.append(asyncio.shield(connection.transport.connection.closing))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        self._lost.set()
        for end in ends:
            # The next attempt to connect shows the reason. The exception is retrieved so that asyncio does not log it.
            end.add_done_callback(lambda done: done.cancelled() or done.exception())
            end.cancel()

    async def _up(self, connection: AbstractConnection) -> None:
        """Opens the channels of a new connection."""
        raise NotImplementedError

    def _down(self) -> None:
        """Forgets the channels of a connection that ended."""
        raise NotImplementedError
