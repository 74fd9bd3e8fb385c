"""A relay in front of the provider that knows exactly when each request began."""

import asyncio
import json
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.chaos.harness.kernel_time import RequestHead, note_moments, receive


@dataclass(frozen=True, slots=True)
class BegunRequest:
    """A request to the provider. Its first byte reached the kernel at `begun_at`."""

    message_id: int
    text: str
    begun_at: datetime


class Witness:
    """Forwards connections to the provider of `url` while the block runs, and keeps what each request was."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        note_moments(self._listener)
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[BegunRequest] = []

    @property
    def url(self) -> str:
        return self._parts._replace(netloc=f"127.0.0.1:{self._listener.getsockname()[1]}").geturl()

    async def __aenter__(self) -> Self:
        self._begin(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listener)
            client.setblocking(False)
            self._begin(self._serve(client))

    async def _serve(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with client, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
            server.setblocking(False)
            await loop.sock_connect(server, (self._parts.hostname, self._parts.port))
            requests = asyncio.create_task(self._forward_requests(client, server))
            replies = asyncio.create_task(_forward(server, client))
            try:
                await asyncio.wait((requests, replies), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (requests, replies):
                    task.cancel()
                await asyncio.gather(requests, replies, return_exceptions=True)

    async def _forward_requests(self, client: socket.socket, server: socket.socket) -> None:
        loop, head = asyncio.get_running_loop(), RequestHead()
        while True:
            data, moment = await receive(client)
            if not data:
                return
            if (whole := head.add(data, moment)) is not None:
                _, body, begun_at = whole
                fields = json.loads(body)
                self.requests.append(BegunRequest(fields["id"], fields["text"], begun_at))
            await loop.sock_sendall(server, data)


async def _forward(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, 65536):
        await loop.sock_sendall(target, data)
