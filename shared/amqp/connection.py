"""One AMQP connection: it writes once a turn of the loop, reads frames as they come, and notices a silent peer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar, cast

from pamqp import base
from pamqp.commands import Connection as ConnectionClass

from shared.amqp.channel import SUCCESS, Channel, Questions
from shared.amqp.confirms import ConfirmChannel
from shared.amqp.deliveries import DeliveryChannel, OnDelivery
from shared.amqp.errors import AmqpError, ConnectionEnded, ProtocolViolation
from shared.amqp.frames import (
    BODY,
    FRAME_MAX,
    HEADER,
    HEARTBEAT,
    HEARTBEAT_FRAME,
    METHOD,
    FrameReader,
    pack_method,
    unpack_method,
)

# A peer that sent nothing during so many halves of the heartbeat's interval is gone.
SILENT_HALVES = 4
CLOSE_SECONDS = 1.0
MOST_CHANNELS = 2047
# What is not yet taken by the socket; beyond it publishers wait.
HIGH_WATER = 256 * 1024

Opened = TypeVar("Opened", bound=Channel)


class AmqpConnection(asyncio.Protocol):
    """A connection to RabbitMQ, as `shared.amqp.open_connection` opens it."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[AmqpError] = asyncio.get_running_loop().create_future()
        self.frame_max = FRAME_MAX
        # Why the broker takes no bodies at present, in its own words.
        self.blocked: str | None = None
        # Called when `has_room` may have changed.
        self.on_room: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable = True
        self._reader = FrameReader()
        self._out: list[bytes] = []
        self._control = Questions()
        self._channels: dict[int, Channel] = {}
        self._last_number = 0
        self._highest_number = 0
        self._most_channels = MOST_CHANNELS
        self._half_seconds = 0.0
        self._silent_halves = 0
        self._beat_timer: asyncio.TimerHandle | None = None

    # What callers use.

    @property
    def alive(self) -> bool:
        """Whether the connection can be used."""
        return not self.ended.done()

    @property
    def has_room(self) -> bool:
        """Whether a body may be published now: the broker takes them, and the socket does."""
        return self.blocked is None and self._writable and self.alive

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[Channel]:
        """Opens a channel to ask on, for the block."""
        channel = await self._open(Channel(self, self._next_number()))
        try:
            yield channel
        finally:
            channel.close()

    async def open_confirm_channel(self) -> ConfirmChannel:
        """Opens a channel to publish on."""
        return await self._open(ConfirmChannel(self, self._next_number(), self.frame_max))

    async def open_delivery_channel(self, on_delivery: OnDelivery) -> DeliveryChannel:
        """Opens a channel to consume on."""
        return await self._open(DeliveryChannel(self, self._next_number(), on_delivery))

    async def ask(self, method: base.Frame) -> base.Frame:
        """Sends a method of the connection itself and returns its answer."""
        if self.ended.done():
            raise self.ended.result()
        self.write(pack_method(0, method))
        return await self.expect(*method.valid_responses)

    async def expect(self, *names: str) -> base.Frame:
        """Waits for a method of the connection itself, of one of these names."""
        if self.ended.done():
            raise self.ended.result()
        return await self._control.add(list(names))

    async def close(self) -> None:
        """Writes what waits to be acknowledged, and closes. Waits for the broker's answer for a second at most."""
        if self.alive:
            for channel in list(self._channels.values()):
                channel.close()
            with suppress(AmqpError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.ask(ConnectionClass.Close(SUCCESS, "", 0, 0))
        self.fail(ConnectionEnded("closed"))

    def fail(self, error: AmqpError) -> None:
        """Ends the connection at once, and with it every channel and wait."""
        if self.ended.done():
            return
        self.ended.set_result(error)
        if self._beat_timer is not None:
            self._beat_timer.cancel()
        self._out.clear()
        self._control.fail(error)
        for channel in list(self._channels.values()):
            channel.fail(error)
        self._channels.clear()
        if self._transport is not None:
            self._transport.abort()

    def tune(self, frame_max: int, channel_max: int, heartbeat: int) -> None:
        """Takes what both sides agreed on; `heartbeat` is in seconds, and 0 means none."""
        self.frame_max, self._most_channels = frame_max, channel_max
        if heartbeat:
            self._half_seconds = heartbeat / 2
            self._beat_timer = self._loop.call_later(self._half_seconds, self._beat)

    # What channels use.

    def write(self, frame: bytes) -> None:
        """Writes a frame at the end of this turn of the loop, together with all others of the turn."""
        if self.ended.done():
            return
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(frame)

    def notify_room(self) -> None:
        """Lets those who wait to publish look again."""
        self.on_room()

    def release(self, number: int) -> None:
        """Forgets a channel, whose number may be used again."""
        self._channels.pop(number, None)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH_WATER)

    def connection_lost(self, error: Exception | None) -> None:
        """Ends the connection when the socket ends."""
        self.fail(ConnectionEnded(str(error) if error else "closed by the peer"))

    def pause_writing(self) -> None:
        """Makes publishers wait: the socket takes no more."""
        self._writable = False

    def resume_writing(self) -> None:
        """Lets publishers go on."""
        self._writable = True
        self.on_room()

    def data_received(self, data: bytes) -> None:
        """Reads frames. What is none ends the connection."""
        self._silent_halves = 0
        channels = self._channels
        try:
            for kind, number, payload in self._reader.feed(data):
                channel = channels.get(number)
                if channel is None:
                    self._receive_elsewhere(kind, number, payload)
                elif kind == METHOD:
                    channel.receive_method(payload)
                elif kind == HEADER:
                    channel.receive_header(payload)
                elif kind == BODY:
                    channel.receive_body(payload)
        except ProtocolViolation as error:
            self.fail(error)

    def _receive_elsewhere(self, kind: int, number: int, payload: bytes) -> None:
        """Takes a frame of the connection itself, or of a channel that was closed meanwhile."""
        if number > self._highest_number or (number == 0 and kind not in (METHOD, HEARTBEAT)):
            raise ProtocolViolation("a frame on a channel that is not open")
        if number == 0 and kind == METHOD:
            self._control_method(unpack_method(payload))

    def _control_method(self, method: base.Frame) -> None:
        match method:
            case ConnectionClass.Close():
                self.write(pack_method(0, ConnectionClass.CloseOk()))
                self._flush()
                self.fail(ConnectionEnded(f"{method.reply_code} {method.reply_text}"))
            case ConnectionClass.Blocked():
                self.blocked = method.reason or "no reason given"
                self.on_room()
            case ConnectionClass.Unblocked():
                self.blocked = None
                self.on_room()
            case _:
                self._control.answer(method)

    def _flush(self) -> None:
        if self._out and self._transport is not None:
            out, self._out = self._out, []
            self._transport.write(b"".join(out))

    def _beat(self) -> None:
        """Sends a heartbeat each half interval, and ends the connection when the peer has been silent too long.

        It counts, and reads no clock, so that a process that was stopped for a while does not take its peer for dead.
        """
        self._silent_halves += 1
        if self._silent_halves > SILENT_HALVES:
            self.fail(ConnectionEnded("the peer is silent: no heartbeat"))
            return
        self.write(HEARTBEAT_FRAME)
        self._beat_timer = self._loop.call_later(self._half_seconds, self._beat)

    async def _open(self, channel: Opened) -> Opened:
        if self.ended.done():
            raise self.ended.result()
        self._channels[channel.number] = channel
        try:
            await channel.open()
        except BaseException:
            channel.close()
            raise
        return channel

    def _next_number(self) -> int:
        """Returns the number of a channel that is not in use; those used last come last."""
        for _ in range(self._most_channels):
            self._last_number = self._last_number % self._most_channels + 1
            self._highest_number = max(self._highest_number, self._last_number)
            if self._last_number not in self._channels:
                return self._last_number
        raise ConnectionEnded("no channel is left")
