"""A peer that speaks AMQP well enough to be connected to, and then says what a test wants it to say."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import pamqp.frame
from pamqp import base, body, commands, header
from pamqp.frame import FrameTypes
from pamqp.heartbeat import Heartbeat

Start, Tune, OpenOk = commands.Connection.Start, commands.Connection.Tune, commands.Connection.OpenOk
# It only ends a test that hangs.
WAIT_SECONDS = 20
Method = TypeVar("Method", bound=base.Frame)
# What a broker answers to each method, unless the test wants silence.
ANSWERS: dict[type[base.Frame], Callable[[], base.Frame]] = {
    commands.Connection.Open: OpenOk,
    commands.Connection.Close: commands.Connection.CloseOk,
    commands.Channel.Open: commands.Channel.OpenOk,
    commands.Channel.Close: commands.Channel.CloseOk,
    commands.Confirm.Select: commands.Confirm.SelectOk,
    commands.Exchange.Declare: commands.Exchange.DeclareOk,
    commands.Queue.Declare: lambda: commands.Queue.DeclareOk("q", 3, 1),
    commands.Queue.Bind: commands.Queue.BindOk,
    commands.Basic.Qos: commands.Basic.QosOk,
    commands.Basic.Consume: lambda: commands.Basic.ConsumeOk("consumer"),
    commands.Basic.Cancel: lambda: commands.Basic.CancelOk("consumer"),
}


class FakeBroker:
    """A server on a port of its own. It talks to the connection that was opened last."""

    def __init__(
        self,
        *,
        heartbeat: int = 0,
        frame_max: int = 131072,
        silent_on: type[base.Frame] | None = None,
        refusal: tuple[int, str] | None = None,
        greeting: bytes = b"",
    ) -> None:
        """`heartbeat` is in seconds, 0 for none. Methods of the type `silent_on` get no answer.

        A `refusal` of the user is a code and a text. A `greeting` comes instead of connection.start.
        """
        self._tune = Tune(10, frame_max, heartbeat)
        self._refusal = refusal
        self._greeting = greeting
        self.silent_on = silent_on
        self.heartbeats = 0
        self._reads = 0
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self.connections = 0
        self.frames: list[tuple[int, FrameTypes]] = []
        self.bodies: list[bytes] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"amqp://guest:guest@127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    def send(self, channel: int, *frames: FrameTypes) -> None:
        self.send_raw(b"".join(pamqp.frame.marshal(frame, channel) for frame in frames))

    def send_raw(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    def deliver(self, tag: int, content: bytes, *, channel: int = 1) -> None:
        deliver = commands.Basic.Deliver("consumer", tag, False, "", "q")
        head = header.ContentHeader(0, len(content))
        self.send(channel, deliver, head, *([body.ContentBody(content)] if content else []))

    def hang_up(self) -> None:
        assert self._writer is not None
        self._writer.close()

    def count_reads(self) -> Callable[[], int]:
        """Returns a function that counts the reads from now on."""
        before = self._reads
        return lambda: self._reads - before

    def received(self, kind: type[Method]) -> list[Method]:
        return [frame for _, frame in self.frames if isinstance(frame, kind)]

    async def until(self, kind: type[Method], count: int = 1) -> list[Method]:
        """Waits until so many methods of a kind have arrived, and returns all of them."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.received(kind)) < count:
                self._moved.clear()
                await self._moved.wait()
        return self.received(kind)

    async def until_bodies(self, count: int) -> list[bytes]:
        """Waits until so many body frames have arrived, and returns all of them."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.bodies) < count:
                self._moved.clear()
                await self._moved.wait()
        return self.bodies

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writer = writer
        self.connections += 1
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._serve(reader)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        assert await reader.readexactly(8) == b"AMQP\x00\x00\x09\x01"
        if self._greeting:
            self.send_raw(self._greeting)
        else:
            self.send(0, Start(0, 9, {}, "PLAIN", "en_US"))
        held = b""
        while data := await reader.read(2**20):
            self._reads += 1
            held += data
            place = 0
            while len(held) - place >= 7:
                end = place + 8 + int.from_bytes(held[place + 3 : place + 7], "big")
                if end > len(held):
                    break
                _, channel, frame = pamqp.frame.unmarshal(held[place:end])
                place = end
                self.frames.append((channel, frame))
                self._answer(channel, frame)
            held = held[place:]
            self._moved.set()

    def _answer(self, channel: int, frame: FrameTypes) -> None:
        if isinstance(frame, Heartbeat):
            self.heartbeats += 1
        elif isinstance(frame, body.ContentBody):
            self.bodies.append(frame.value or b"")
        elif isinstance(frame, commands.Connection.StartOk):
            self.send(0, commands.Connection.Close(*self._refusal, 0, 0) if self._refusal else self._tune)
        elif isinstance(frame, base.Frame) and type(frame) in ANSWERS and type(frame) is not self.silent_on:
            self.send(channel, ANSWERS[type(frame)]())
