"""A TCP relay in front of a server that can drop, reset, delay or hold back what passes, and can add TLS."""

import asyncio
import socket
import ssl
import struct
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

PORTS = {"postgresql": 5432, "amqp": 5672}
# SO_LINGER with a timeout of 0: closing sends RST instead of FIN.
NO_LINGER = struct.pack("ii", 1, 0)
# Bytes, none at the end, and the moment at which they are forwarded.
Piece = tuple[float, bytes]
# So many wait in each direction of a connection, of up to 64 KiB.
HELD_PIECES = 1000


class Relay:
    """Forwards connections to the server of `url` while the block runs.

    With a `certificate` its clients must use TLS, and its URL has the scheme https; the server is reached without TLS.
    `latency` is in seconds, each way.
    """

    def __init__(self, url: str, certificate: ssl.SSLContext | None = None) -> None:
        self._parts = urlsplit(url)
        self._certificate = certificate
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._own_port = 0
        self._deaf: socket.socket | None = None
        self.latency = 0.0

    async def __aenter__(self) -> Self:
        self._flows.set()
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flows.set()
        if self._deaf is not None:
            self._deaf.close()
        await self.cut()

    @property
    def url(self) -> str:
        credentials, at, _ = self._parts.netloc.rpartition("@")
        netloc = f"{credentials}{at}127.0.0.1:{self._own_port}"
        scheme = "https" if self._certificate else self._parts.scheme
        return self._parts._replace(scheme=scheme, netloc=netloc, query="").geturl()

    async def mend(self, certificate: ssl.SSLContext | None = None) -> None:
        """Listens on the same port as before, with another certificate if one is given."""
        if self._deaf is not None:
            self._deaf.close()
            self._deaf = None
        self._certificate = certificate or self._certificate
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self._own_port, ssl=self._certificate, backlog=1024
        )
        self._own_port = self._server.sockets[0].getsockname()[1]

    async def ignore(self) -> None:
        """Drops all connections, and accepts no new ones: whoever connects waits, until `mend`."""
        await self.cut()
        self._deaf = socket.create_server(("127.0.0.1", self._own_port), backlog=0)

    async def cut(self) -> None:
        """Drops all connections and refuses new ones, until `mend`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def drop(self, *, reset: bool = False) -> None:
        """Drops the open connections, with RST if `reset`. New ones are accepted."""
        for writer in self._writers:
            if reset:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            writer.transport.abort()
        self._writers.clear()

    def stall(self) -> None:
        """Forwards nothing, until `resume`. Connections stay open, and new ones are accepted."""
        self._flows.clear()

    def resume(self) -> None:
        """Forwards what was held back, and everything after it."""
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream_writer}
        for source, target in ((reader, upstream_writer), (upstream_reader, writer)):
            held: asyncio.Queue[Piece] = asyncio.Queue(HELD_PIECES)
            for work in (self._read(source, held), self._write(held, target)):
                task = asyncio.create_task(work)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects to the server over TCP, or over the Unix socket in the folder of ?host=."""
        port, folder = self._parts.port or PORTS[self._parts.scheme], parse_qs(self._parts.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._parts.hostname or "localhost", port)

    async def _read(self, source: asyncio.StreamReader, held: asyncio.Queue[Piece]) -> None:
        loop, data = asyncio.get_running_loop(), b"-"
        while data:
            try:
                data = await source.read(65536)
            except OSError:
                data = b""
            await held.put((loop.time() + self.latency, data))

    async def _write(self, held: asyncio.Queue[Piece], target: asyncio.StreamWriter) -> None:
        """Writes each piece when its latency is over: bytes on their way hold no others up."""
        loop, broken = asyncio.get_running_loop(), False
        while (piece := await held.get())[1]:
            due, data = piece
            if broken:
                continue
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            await self._flows.wait()
            try:
                target.write(data)
                await target.drain()
            except OSError:
                broken = True
                target.transport.abort()
        target.close()
        self._writers.discard(target)
