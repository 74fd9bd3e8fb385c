"""A relay in front of PostgreSQL that loses or delays the answers to some of the statements that it has executed."""

import asyncio
import random
import struct
from collections import Counter
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

_LENGTH = struct.Struct("!i")
# A request for TLS, which comes before the first message of a session. asyncpg sends it first.
_SSL_REQUEST = 80877103
# Parse names a statement, Bind repeats its name, and Query is one that is not prepared, as BEGIN and COMMIT.
_PARSE, _BIND, _EXECUTE, _QUERY = b"P", b"B", b"E", b"Q"
# By then a statement has been executed.
EXECUTED_SECONDS = 0.1
CLOSING_SECONDS = 10
# In the text of a statement: what it is about.
KINDS = ("processes", "flights", "messages", "mailing_work", "mailing_counts", "COMMIT", "BEGIN")


class Frontend:
    """Reads what a client sends, and knows which statement it has executed last."""

    def __init__(self) -> None:
        self._bytes = b""
        self._begun = False
        self._texts: dict[bytes, bytes] = {}
        self._bound = b""

    def feed(self, data: bytes) -> list[str]:
        """Takes bytes. Returns the texts of the statements that they ask to be executed."""
        self._bytes += data
        executed: list[str] = []
        while (message := self._take()) is not None:
            kind, body = message
            if kind == _PARSE:
                name, text = body.split(b"\0", 2)[:2]
                self._texts[name] = text
            elif kind == _BIND:
                self._bound = body.split(b"\0", 2)[1]
            elif kind == _EXECUTE:
                executed.append(self._texts.get(self._bound, b"").decode(errors="replace"))
            elif kind == _QUERY:
                executed.append(body.rstrip(b"\0").decode(errors="replace"))
        return executed

    def _take(self) -> tuple[bytes, bytes] | None:
        head = 1 if self._begun else 0
        if len(self._bytes) < head + 4:
            return None
        (length,) = _LENGTH.unpack_from(self._bytes, head)
        if len(self._bytes) < head + length:
            return None
        kind, body = self._bytes[:head], self._bytes[head + 4 : head + length]
        self._bytes = self._bytes[head + length :]
        if not self._begun:
            self._begun = _LENGTH.unpack_from(body)[0] != _SSL_REQUEST
            kind = b""
        return kind, body


class StatementRelay:
    """Forwards sessions to PostgreSQL while the block runs, and loses or delays the answers to a share of statements.

    Where an answer is lost, the session is reset once the statement was executed. `delay` is how many seconds one is
    held back. `seen` and `hit` count statements by what they are about.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.lost = 0.0
        self.delayed = 0.0
        self.delay = 0.0
        self.seen: Counter[str] = Counter()
        self.hit: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self._port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)

    @property
    def url(self) -> str:
        credentials, at, _ = self._parts.netloc.rpartition("@")
        return self._parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self._port}", query="").geturl()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            up_reader, up_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        open_gate = asyncio.Event()
        open_gate.set()
        flows = (
            asyncio.create_task(self._statements(reader, up_writer, open_gate)),
            asyncio.create_task(self._answers(up_reader, writer, open_gate)),
        )
        try:
            await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for flow in flows:
                flow.cancel()
            await asyncio.gather(*flows, return_exceptions=True)
            for one in (writer, up_writer):
                one.transport.abort()
                self._writers.discard(one)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port, folder = self._parts.port or 5432, parse_qs(self._parts.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._parts.hostname or "localhost", port)

    async def _statements(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        frontend = Frontend()
        while data := await source.read(65536):
            executed = [_about(text) for text in frontend.feed(data)]
            self.seen.update(executed)
            lost = bool(executed) and random.random() < self.lost
            delayed = bool(executed) and random.random() < self.delayed
            if lost or delayed:
                gate.clear()
                self.hit.update(executed[-1:])
            target.write(data)
            await target.drain()
            if lost:
                await asyncio.sleep(EXECUTED_SECONDS)
                return
            if delayed:
                await asyncio.sleep(self.delay)
                gate.set()

    async def _answers(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        while data := await source.read(65536):
            await gate.wait()
            target.write(data)
            await target.drain()


def _about(text: str) -> str:
    return next((kind for kind in KINDS if kind in text), "other")
