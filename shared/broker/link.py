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
from yarl import URL

from shared import logs
from shared.metrics import Health
from shared.settings import SettingsError
from shared.startup import Backoff
from shared.topology import Topology

CONNECT_SECONDS = 5
HEARTBEAT_SECONDS = 10

OUTAGES = (aiormq.exceptions.AMQPError, OSError, TimeoutError, RuntimeError)
_REFUSED = (aiormq.exceptions.AuthenticationError, aiormq.exceptions.ProbableAuthenticationError)


def describe(error: BaseException) -> str:
    """Say what an outage was; some of these exceptions have no text."""
    return str(error) or type(error).__name__


async def declare(connection: AbstractConnection, topology: Topology) -> None:
    """Declare everything in the table. Raises aiormq errors when an object exists with other arguments."""
    async with connection.channel() as channel:
        for exchange in topology.exchanges:
            await channel.declare_exchange(exchange.name, ExchangeType(exchange.kind), durable=True)
        for queue in topology.queues:
            await channel.declare_queue(queue.name, durable=True, arguments=dict(queue.arguments))
        underlay = await channel.get_underlay_channel()
        for binding in topology.bindings:
            await underlay.queue_bind(binding.queue, binding.exchange, binding.key)


async def open_connection(urls: str, name: str) -> AbstractConnection:
    """Connect to one of the comma-separated URLs, tried in random order. `name` shows in management."""
    choices = urls.split(",")
    random.shuffle(choices)
    for last, choice in enumerate(choices, start=1 - len(choices)):
        try:
            return await aio_pika.connect(
                URL(choice.strip()).update_query(heartbeat=HEARTBEAT_SECONDS),
                timeout=CONNECT_SECONDS,
                client_properties={"connection_name": name},
            )
        except OUTAGES:
            if last == 0:
                raise
    raise AssertionError("the last failure is raised above")


async def underlay_of(channel: AbstractChannel) -> UnderlayChannel:
    """Reach the aiormq channel, which can write without waiting for each frame to be drained."""
    underlay = await channel.get_underlay_channel()
    if not isinstance(underlay, UnderlayChannel):
        raise TypeError(f"unexpected channel {underlay!r}")
    return underlay


class Link:
    """One supervised connection. Subclasses say what to do when it is up and when it is gone."""

    def __init__(self, urls: str, name: str, health: Health, topology: Topology | None) -> None:
        self._urls, self._name, self._health, self._topology = urls, name, health, topology
        self._connection: AbstractConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._closing = False
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
        """Give the connection up and open a new one."""
        self._lost.set()

    async def check(self) -> None:
        """Raise what ended the supervision, if anything did: wrong credentials or a conflicting topology."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _supervise(self) -> None:
        backoff, log = Backoff(), logs.get().bind(connection=self._name)
        while not self._closing:
            why = "connection lost"
            try:
                async with self._session():
                    backoff.reset()
                    self._health.set(self._name, True)
                    log.info("broker connected")
                    await self._lost.wait()
                log.warning("broker connection lost")
            except _REFUSED as error:
                why = describe(error)
                log.error("broker refused the connection", detail=why, variable="HERALD_RABBITMQ_URL")
            except aiormq.exceptions.ChannelPreconditionFailed as error:
                why = describe(error)
                log.error("topology conflict", detail=why, variable="HERALD_RETRY_DELAYS")
            except aiormq.exceptions.ChannelAccessRefused as error:
                why = describe(error)
                log.error("broker rights are missing", detail=why, variable="HERALD_RABBITMQ_URL")
            except ValueError as error:
                raise SettingsError(f"HERALD_RABBITMQ_URL: {error}") from error
            except OUTAGES as error:
                why = describe(error)
                log.warning("waiting for the broker", detail=why)
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
            with contextlib.suppress(*OUTAGES):
                async with asyncio.timeout(3):
                    await connection.close()

    async def _watch(self, connection: AbstractConnection) -> None:
        """Notice the end of the connection.

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
