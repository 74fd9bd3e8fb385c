"""Publishes with confirms: a body counts as published once the broker has confirmed it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType

from prometheus_client import CollectorRegistry, Gauge

from shared import logs
from shared.amqp import (
    AccessRefused,
    AmqpConnection,
    AmqpError,
    BodyReturned,
    ConfirmChannel,
)
from shared.broker.declaration import declare
from shared.broker.depths import Depth, read_depths
from shared.broker.errors import BROKER_OUTAGES, RIGHTS_HINT, describe, with_remedy
from shared.broker.link import Link
from shared.broker.outgoing import Deadlines, Outgoing, PublishedBatch, Unconfirmed, Unpublished, Unroutable
from shared.health import Health
from shared.topology import Topology

REDECLARE_SECONDS = 0.5
# The most unconfirmed bodies at once. It bounds the memory, and must not bound the rate of a broker that is far away.
WINDOW = 2000


class Publisher(Link):
    """A connection that publishes persistent bodies as mandatory, and waits until the broker has confirmed them."""

    def __init__(
        self,
        urls: str,
        name: str,
        health: Health,
        topology: Topology | None,
        *,
        timeout: float = 5.0,
    ) -> None:
        super().__init__(urls, name, health, topology)
        self._timeout = timeout
        self._channel: ConfirmChannel | None = None
        self._deadlines = Deadlines(self._expire)
        # Bodies that wait for a connection, for room, or for the topology to be declared again.
        self._waiting: deque[Unconfirmed] = deque()
        self._returned: list[Unconfirmed] = []
        self._declaring: asyncio.Task[None] | None = None
        self._roomy = asyncio.Event()
        self._denial_logged = False
        self._blocked: str | None = None
        self._failures = logs.RepeatedCauses()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if self._declaring is not None:
            self._declaring.cancel()
        self._deadlines.close()

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return self._channel is not None

    def register_metrics(self, registry: CollectorRegistry) -> None:
        """Registers a gauge of whether the broker blocks publishing, as it does when it runs out of memory or disk."""
        blocked = Gauge(
            "herald_publishing_blocked", "1 while the broker takes no bodies.", ["connection"], registry=registry
        )
        blocked.labels(self._name).set_function(lambda: self._blocked is not None)

    async def publish(self, outgoing: Outgoing) -> None:
        """Publishes one body and waits for its confirm, for `timeout` seconds at most in all.

        Raises Unroutable when no queue takes it, and Unpublished for every other failure.
        """
        loop = asyncio.get_running_loop()
        confirmed = loop.create_future()
        body = Unconfirmed(outgoing, loop.time() + self._timeout, partial(_resolve, confirmed))
        self._begin(body)
        try:
            await confirmed
        finally:
            # A body that nobody waits for any more is not written later.
            body.done = True

    def publish_soon(self, outgoing: Outgoing, settle: Callable[[Unpublished | None], None]) -> None:
        """Publishes one body at the end of this turn of the loop, together with all others of the turn.

        `settle` is called once, and must not raise: with None when the broker has confirmed the body, else with what
        `publish` would raise. Without a connection, or while the broker blocks publishing, the body waits for `timeout`
        seconds at most. The caller bounds how many do.
        """
        self._begin(Unconfirmed(outgoing, asyncio.get_running_loop().time() + self._timeout, settle))

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        """Publishes many bodies, as many at once as the window allows. Returns for each whether it was confirmed.

        Gives up what it has not begun when for `timeout` seconds none could be begun.
        """
        loop, batch, begun = asyncio.get_running_loop(), PublishedBatch(outgoings), 0
        while begun < len(outgoings) and (room := await self._until_room()):
            deadline = loop.time() + self._timeout
            for place in range(begun, min(begun + room, len(outgoings))):
                batch.begin()
                self._begin(Unconfirmed(outgoings[place], deadline, partial(batch.settle, place)))
                begun += 1
        await batch.wait()
        failed = batch.confirmed.count(False)
        if failed:
            detail = str(batch.error or self._why_not("bodies"))
            if times := self._failures.count(detail):
                logs.get().warning("publish failed", detail=detail, bodies=failed, times=times)
        else:
            self._failures.forget()
        return batch.confirmed

    async def count_ready(self, queue: str) -> int:
        """Counts the bodies of a queue that are ready for delivery. Raises Unpublished if the broker is away."""
        if self._connection is None:
            raise Unpublished("not connected")
        try:
            async with asyncio.timeout(self._timeout):
                found = await read_depths(self._connection, [queue])
        except BROKER_OUTAGES as error:
            raise Unpublished(f"{queue}: {describe(error)}") from error
        if queue not in found:
            raise Unpublished(f"{queue}: there is no such queue")
        return found[queue].ready

    async def read_depths(self, queues: Sequence[str]) -> dict[str, Depth]:
        """Reads the depth of each of these queues. Queues that do not exist are left out.

        Needs no rights in RabbitMQ. Raises Unpublished when the broker does not answer.
        """
        if self._connection is None:
            raise Unpublished("not connected")
        try:
            async with asyncio.timeout(self._timeout):
                return await read_depths(self._connection, queues)
        except BROKER_OUTAGES as error:
            raise Unpublished(f"queues: {describe(error)}") from error

    @property
    def _room(self) -> int:
        """How many bodies may be written now."""
        if self._channel is None or self._connection is None or not self._connection.has_room:
            return 0
        return WINDOW - self._channel.unconfirmed if self._channel.flowing and self._channel.alive else 0

    async def _until_room(self) -> int:
        """Waits until bodies may be written, and returns how many; 0 when none may for `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                while self._waiting or self._room <= 0:
                    self._reconnect_if_closed()
                    self._roomy.clear()
                    await self._roomy.wait()
                return self._room
        return 0

    def _begin(self, body: Unconfirmed) -> None:
        self._deadlines.add(body)
        if self._channel is None or self._waiting or self._room <= 0:
            self._reconnect_if_closed()
            self._waiting.append(body)
        else:
            self._write(self._channel, body)

    def _reconnect_if_closed(self) -> None:
        if self._channel is not None and not self._channel.alive:
            self.reconnect()

    def _write(self, channel: ConfirmChannel, body: Unconfirmed) -> None:
        outgoing = body.outgoing
        try:
            channel.publish(
                outgoing.exchange,
                outgoing.routing_key,
                outgoing.body,
                outgoing.headers,
                partial(self._settle, body),
            )
        except ValueError as error:
            body.settle(Unpublished(f"{outgoing.exchange}: {error}"))

    def _settle(self, body: Unconfirmed, error: AmqpError | None) -> None:
        """Takes what the broker said about a body, or the end of the channel."""
        if error is None:
            self._record_permission()
            body.settle(None)
        elif isinstance(error, BodyReturned) and not body.returned and not body.done:
            body.returned = True
            self._returned.append(body)
            if self._declaring is None:
                self._declaring = asyncio.create_task(self._declare_again(), name=f"{self._name}.declare")
        elif isinstance(error, BodyReturned):
            body.settle(Unroutable(f"{body.outgoing.exchange} {body.outgoing.routing_key}"))
        else:
            if isinstance(error, AccessRefused):
                self._record_denial(error)
            body.settle(Unpublished(f"{body.outgoing.exchange}: {describe(error)}"))
        self._deadlines.drop_done()
        if self._waiting or not self._roomy.is_set():
            self._move_on()

    def _move_on(self) -> None:
        """Writes what waits, as far as there is room."""
        while self._waiting and self._channel is not None and self._room > 0:
            body = self._waiting.popleft()
            if not body.done:
                self._write(self._channel, body)
        if not self._waiting and self._room > WINDOW // 2:
            self._roomy.set()

    def _expire(self, body: Unconfirmed) -> None:
        if not body.done:
            body.settle(Unpublished(self._why_not(body.outgoing.exchange)))
        while self._waiting and self._waiting[0].done:
            self._waiting.popleft()

    def _why_not(self, what: str) -> str:
        if self._blocked is not None:
            return f"{what}: the broker blocks publishing: {self._blocked}"
        return f"{what}: not confirmed in {self._timeout} s"

    def _record_permission(self) -> None:
        if not self._usable:
            self._usable = True
            self._health.set(self._name, True)

    def _record_denial(self, error: AccessRefused) -> None:
        """Makes the process unready until a body is published: a user may connect and lack the right to publish."""
        self._usable = False
        # Logged once for each connection: hundreds of bodies may be on their way.
        if not self._denial_logged:
            self._denial_logged = True
            logs.get().error(
                "broker rights are missing",
                connection=self._name,
                detail=describe(error),
                variable="HERALD_RABBITMQ_URL",
                remedy=RIGHTS_HINT,
            )
            self._health.set(self._name, False, with_remedy(error, RIGHTS_HINT))

    async def _declare_again(self) -> None:
        """Declares the topology again after a pause, then publishes again what no queue took.

        RabbitMQ 3.10 loses bodies of a queue that is declared again before its consumers are notified of its deletion:
        it takes them for delivered. Half a second is plenty for the notifications.
        """
        await asyncio.sleep(REDECLARE_SECONDS)
        failure: Unpublished | None = None
        try:
            if self._topology is not None and self._connection is not None:
                logs.get().warning("topology declared again", connection=self._name)
                async with asyncio.timeout(self._timeout):
                    await declare(self._connection, self._topology)
        except BROKER_OUTAGES as error:
            failure = Unpublished(f"topology: {describe(error)}")
        returned, self._returned, self._declaring = self._returned, [], None
        if failure is None:
            self._waiting.extend(returned)
            self._move_on()
        else:
            for body in returned:
                body.settle(failure)

    async def _up(self, connection: AmqpConnection) -> None:
        channel = await connection.open_confirm_channel()
        connection.on_room = partial(self._look_at, connection)
        self._denial_logged = False
        self._channel, self._connection = channel, connection
        self._look_at(connection)

    def _down(self) -> None:
        self._channel = None
        self._blocked = None
        self._health.details.pop(self._name, None)

    def _look_at(self, connection: AmqpConnection) -> None:
        """Goes on publishing, or shows why it cannot."""
        self._show_blocked(connection.blocked)
        self._move_on()

    def _show_blocked(self, reason: str | None) -> None:
        if reason == self._blocked:
            return
        self._blocked = reason
        if reason is None:
            logs.get().info("broker takes bodies again", connection=self._name)
            self._health.details.pop(self._name, None)
        else:
            logs.get().warning("broker blocks publishing", connection=self._name, detail=reason)
            self._health.details[self._name] = f"blocked by the broker: {reason}"


def _resolve(future: "asyncio.Future[None]", error: Unpublished | None) -> None:
    """Ends a future, unless whoever waited for it has gone."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
