"""A channel of a connection: what is asked on it is answered in order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from pamqp import base
from pamqp.commands import Channel as ChannelClass

from shared.amqp.errors import AmqpError, ChannelEnded, ProtocolViolation, channel_error
from shared.amqp.frames import pack_method, unpack_method

SUCCESS = 200


class FrameSink(Protocol):
    """Where a channel puts its frames: its connection."""

    def write(self, frame: bytes) -> None:
        """Writes a frame at the end of this turn of the loop."""

    def notify_room(self) -> None:
        """Lets those who wait to publish look again."""

    def release(self, number: int) -> None:
        """Forgets a channel, whose number may be used again."""


class Questions:
    """Methods that wait for their answer. A channel answers in the order of the questions."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[list[str], asyncio.Future[base.Frame]]] = deque()

    def add(self, names: list[str]) -> "asyncio.Future[base.Frame]":
        """Adds a question that a method of one of these names answers. Whoever gives up waiting cancels the future."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((names, future))
        return future

    def answer(self, method: base.Frame) -> None:
        """Answers the oldest question. Raises ProtocolViolation if this is no answer to it."""
        names, future = self._waiting.popleft() if self._waiting else ([], None)
        if future is None or method.name not in names:
            if future is not None:
                self._waiting.appendleft((names, future))
            raise ProtocolViolation(f"{method.name} was not asked for")
        if not future.done():
            future.set_result(method)

    def fail(self, error: AmqpError) -> None:
        """Ends every wait with an error."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)


class Channel:
    """A channel to ask on. Each of its errors ends it and leaves the connection as it is."""

    def __init__(self, connection: FrameSink, number: int) -> None:
        self.number = number
        self.error: AmqpError | None = None
        self.flowing = True
        self.on_end: Callable[[], None] = lambda: None
        self._connection = connection
        self._questions = Questions()

    @property
    def alive(self) -> bool:
        """Whether the channel can be used."""
        return self.error is None

    async def open(self) -> None:
        """Opens the channel."""
        await self.ask(ChannelClass.Open())

    async def ask(self, method: base.Frame) -> base.Frame:
        """Sends a method and returns its answer. Raises the error that ends the channel or the connection."""
        if self.error is not None:
            raise self.error
        answer = self._questions.add(method.valid_responses)
        self._connection.write(pack_method(self.number, method))
        return await answer

    def close(self) -> None:
        """Closes the channel, without waiting for the broker's answer."""
        if self.error is None:
            self._connection.write(pack_method(self.number, ChannelClass.Close(SUCCESS, "", 0, 0)))
            self.fail(ChannelEnded("closed"))

    def fail(self, error: AmqpError) -> None:
        """Ends the channel, and with it everything that waits for it."""
        if self.error is None:
            self.error = error
            self._questions.fail(error)
            self.on_end()

    def receive_method(self, payload: bytes) -> None:
        """Takes a method from the broker. Raises ProtocolViolation for what is not allowed here."""
        method = unpack_method(payload)
        if isinstance(method, ChannelClass.Close):
            self._connection.write(pack_method(self.number, ChannelClass.CloseOk()))
            self._connection.release(self.number)
            self.fail(channel_error(method.reply_code or 0, method.reply_text or ""))
        elif isinstance(method, ChannelClass.CloseOk):
            if self.error is None:
                raise ProtocolViolation("a channel was closed that is in use")
            self._connection.release(self.number)
        elif isinstance(method, ChannelClass.Flow):
            self.flowing = bool(method.active)
            self._connection.write(pack_method(self.number, ChannelClass.FlowOk(self.flowing)))
            self._connection.notify_room()
        elif self.error is None:
            self._receive(method)

    def receive_header(self, payload: bytes) -> None:
        """Takes the header of a content."""
        if self.error is None:
            raise ProtocolViolation("a header without a body to come")

    def receive_body(self, payload: bytes) -> None:
        """Takes a piece of a content."""
        if self.error is None:
            raise ProtocolViolation("a body without a header")

    def _receive(self, method: base.Frame) -> None:
        self._questions.answer(method)
