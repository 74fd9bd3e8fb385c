"""One supervised connection, and the declaration of the topology over it."""

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
# What to do about what the broker says; each is the end of one line in the log, and of /readyz's detail.
REFUSED_HINT = "check the user, the password and the virtual host of HERALD_RABBITMQ_URL"
CONFLICT_HINT = "give every process the same HERALD_RETRY_DELAYS, or delete the queue that differs"
RIGHTS_HINT = "give the user of HERALD_RABBITMQ_URL the rights that deploy/README.md lists"
MISSING_HINT = "run `herald topology`, or set HERALD_DECLARE=on"


class BrokerAway(ConnectionError):
    """No node answers. The text names each of them and what it met."""


class BrokerRefused(ConnectionError):
    """No node takes us, and at least one refuses the user, the password or the virtual host. The text names it."""


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
    """Connects to one of the comma-separated URLs, tried in random order. `name` shows in management.

    Raises BrokerRefused or BrokerAway when none of them will do, and ValueError for what is no URL.
    """
    choices = list(amqp_urls.parse(urls))
    random.shuffle(choices)
    failures: list[tuple[str, BaseException]] = []
    for choice in choices:
        try:
            connection = await _connect(choice, name)
        except BROKER_OUTAGES as error:
            failures.append((amqp_urls.place_of(choice), error))
        else:
            if failures:
                logs.get().warning("broker node passed over", connection=name, detail=_say(failures))
            return connection
    refused = any(_is_refusal(error) for _, error in failures)
    raise (BrokerRefused if refused else BrokerAway)(_say(failures)) from failures[-1][1]


async def _connect(url: URL, name: str) -> AbstractConnection:
    try:
        return await aio_pika.connect(
            url.update_query(heartbeat=HEARTBEAT_SECONDS),
            timeout=CONNECT_SECONDS,
            client_properties={"connection_name": name},
        )
    except aiormq.exceptions.InvalidFrameError as error:
        # RabbitMQ says why in a frame that aiormq does not show; at this point it is the virtual host.
        if "Connection.OpenOk" in str(error):
            raise BrokerRefused(f"no virtual host {url.path.removeprefix('/') or '/'!r} for this user") from error
        raise


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, (*_REFUSED, BrokerRefused))


def _say(failures: list[tuple[str, BaseException]]) -> str:
    return "; ".join(f"{place}: {text_of(error)}" for place, error in failures)


def text_of(error: BaseException) -> str:
    """Say in one line what an error of the broker says; some have codes in their arguments, and some no text."""
    if isinstance(error, aiormq.exceptions.ConnectionClosed):
        return " ".join(str(part) for part in error.args)
    return str(error).partition("\n")[0] or type(error).__name__


def with_remedy(error: BaseException, remedy: str) -> str:
    """Say for /readyz what is wrong and what somebody must change."""
    return f"{text_of(error)}: {remedy}"


async def underlay_of(channel: AbstractChannel) -> UnderlayChannel:
    """Reaches the aiormq channel, which can write without waiting for each frame to be drained."""
    underlay = await channel.get_underlay_channel()
    if not isinstance(underlay, UnderlayChannel):
        raise TypeError(f"unexpected channel {underlay!r}")
    return underlay


def _tell(log: FilteringBoundLogger, error: BaseException) -> str:
    """Logs what keeps a connection from being of use, and returns it for /readyz, with what somebody must change."""
    detail, variable = text_of(error), "HERALD_RABBITMQ_URL"
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
    """One supervised connection. Subclasses say what to do when it is up and when it is gone."""

    def __init__(self, urls: str, name: str, health: Health, topology: Topology | None) -> None:
        self._urls, self._name, self._health, self._topology = urls, name, health, topology
        self._connection: AbstractConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._closing = False
        # False where a connection is of no use, since what it is for is not allowed.
        self._usable = True
        health.expect(name)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._supervise(), name=self._name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # aiormq turns a cancellation while it connects into an error of its own, and the loop would go on.
        self._closing = True
        self._lost.set()
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=0.5)

    def reconnect(self) -> None:
        """Gives the connection up and opens a new one."""
        self._lost.set()

    async def check(self) -> None:
        """Raises what ended the supervision, if anything did: wrong credentials or a conflicting topology."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _supervise(self) -> None:
        backoff, log = Backoff(), logs.get().bind(connection=self._name)
        while not self._closing:
            why = "connection lost"
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
                why = _tell(log, error)
            self._health.set(self._name, False, why)
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
        """Notices the end of the connection.

        aio-pika does not tell when the broker dies without a word; the aiormq connection below does.
        """
        ends: list[asyncio.Future[Any]] = [asyncio.ensure_future(connection.closed())]
        if connection.transport is not None:
            ends.append(asyncio.shield(connection.transport.connection.closing))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        self._lost.set()
        for end in ends:
            # Why it ended is known by what fails next; asking keeps asyncio from complaining.
            end.add_done_callback(lambda done: done.cancelled() or done.exception())
            end.cancel()

    async def _up(self, connection: AbstractConnection) -> None:
        raise NotImplementedError

    def _down(self) -> None:
        raise NotImplementedError
