"""Callers with bad manners, on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.integration.api.fakes import ADMIN_TOKEN, Api


@asynccontextmanager
async def not_reading(api: Api, path: str) -> AsyncIterator[socket.socket]:
    """Asks for an answer and do not take it."""
    assert api.client.port is not None
    with socket.socket() as viewer:
        viewer.setblocking(False)
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(viewer, ("127.0.0.1", api.client.port))
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        await loop.sock_sendall(viewer, head.encode())
        yield viewer


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        # What happens on the server's side of a connection can only be seen by looking.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
