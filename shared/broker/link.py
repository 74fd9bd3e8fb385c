"""A supervised connection to RabbitMQ: opened, used until it ends, and opened again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from yarl import URL

from shared import amqp, logs
from shared.amqp import AmqpConnection
from shared.broker.declaration import declare
from shared.broker.errors import BROKER_OUTAGES, describe, log_failure
from shared.broker.nodes import CONNECT_SECONDS, HEARTBEAT_SECONDS, open_any
from shared.health import Health
from shared.logs import RepeatedCauses
from shared.settings import SettingsError
from shared.topology import Topology
from shared.waiting import Backoff

# For the topology and the channels of a new connection.
SETUP_SECONDS = 30


class Link:
    """One supervised connection. Subclasses define what happens when it opens and when it ends."""

    def __init__(self, urls: str, name: str, health: Health, topology: Topology | None) -> None:
        self._urls = urls
        self._name = name
        self._health = health
        self._topology = topology
        self._connection: AmqpConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        # False while the connection is open and its user lacks a right that it needs.
        self._usable = True
        health.require(name)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._supervise(), name=self._name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def reconnect(self) -> None:
        """Closes the connection and opens a new one."""
        self._lost.set()

    async def check(self) -> None:
        """Waits for the supervision to end, and raises the error that ended it, such as a malformed URL."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _supervise(self) -> None:
        backoff, log, repeats = Backoff(), logs.get().bind(connection=self._name), RepeatedCauses()
        while True:
            reason: str | None = None
            try:
                async with self._session() as connection:
                    if self._usable:
                        backoff.reset()
                        repeats.forget()
                    self._health.set(self._name, self._usable)
                    log.info("broker connected")
                    await self._lost.wait()
                    why = _why_lost(connection)
                # What the user may not do stays the reason until it may.
                reason = f"connection lost: {why}" if self._usable else None
                log.warning("broker connection lost", detail=why)
            except ValueError as error:
                raise SettingsError(f"HERALD_RABBITMQ_URL: {error}") from error
            except BROKER_OUTAGES as error:
                reason = log_failure(log, error, repeats)
            self._health.set(self._name, False, reason)
            await asyncio.sleep(backoff.next())

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[AmqpConnection]:
        self._lost.clear()
        connection = await open_any(self._urls, self._name, _connect)
        connection.ended.add_done_callback(lambda _: self._lost.set())
        try:
            async with asyncio.timeout(SETUP_SECONDS):
                if self._topology is not None:
                    await declare(connection, self._topology)
                await self._up(connection)
            self._connection = connection
            yield connection
        finally:
            self._connection = None
            self._health.set(self._name, False)
            self._down()
            await connection.close()

    async def _up(self, connection: AmqpConnection) -> None:
        """Opens the channels of a new connection."""
        raise NotImplementedError

    def _down(self) -> None:
        """Forgets the channels of a connection that ended."""
        raise NotImplementedError


async def _connect(url: URL, name: str) -> AmqpConnection:
    async with asyncio.timeout(CONNECT_SECONDS):
        return await amqp.open_connection(url, name, heartbeat=HEARTBEAT_SECONDS)


def _why_lost(connection: AmqpConnection) -> str:
    return describe(connection.ended.result()) if connection.ended.done() else "given up here"
