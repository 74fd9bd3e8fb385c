"""Reads from sockets together with the moment at which the kernel got the bytes, however busy the reader was.

On one machine these moments can be compared: a request has begun when its first byte reached the kernel, and an answer
was given when its first byte did.
"""

import asyncio
import socket
import struct
from datetime import UTC, datetime
from urllib.parse import urlsplit

# <asm-generic/socket.h>; the module socket has no name for it.
_SO_TIMESTAMPNS = 35
_MOMENT = struct.Struct("qq")
_CHUNK = 65536
# In an HTTP head.
_END = b"\r\n\r\n"


def note_moments(listening_or_connected: socket.socket) -> None:
    """Lets the kernel note when bytes arrive; a listening socket passes that on to its connections."""
    listening_or_connected.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


async def receive(connection: socket.socket) -> tuple[bytes, datetime]:
    """Returns what has arrived, none at the end, and when the last of it did."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            data, ancillary, _, _ = connection.recvmsg(_CHUNK, 128)
        except BlockingIOError:
            readable = loop.create_future()
            loop.add_reader(connection, readable.set_result, None)
            try:
                await readable
            finally:
                loop.remove_reader(connection)
            continue
        return data, _moment(ancillary)


def _moment(ancillary: list[tuple[int, int, bytes]]) -> datetime:
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _MOMENT.unpack(value[: _MOMENT.size])
            # Rounded down, as the clock of `datetime.now` is.
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
    return datetime.now(UTC)


async def ask(url: str, method: str, path: str, body: bytes, token: str) -> tuple[int, datetime]:
    """Sends an HTTP request on a connection of its own. Returns the status, and when its answer began to arrive."""
    loop, parts = asyncio.get_running_loop(), urlsplit(url)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        note_moments(connection)
        await loop.sock_connect(connection, (parts.hostname, parts.port))
        await loop.sock_sendall(connection, head.encode() + body)
        answer, answered_at = await receive(connection)
    return int(answer.split(b" ", 2)[1]), answered_at


class RequestHead:
    """Gathers the bytes of one request after another on a connection without pipelining."""

    def __init__(self) -> None:
        self._bytes = b""
        self._began_at: datetime | None = None

    def add(self, data: bytes, moment: datetime) -> tuple[str, bytes, datetime] | None:
        """Adds bytes. Returns path, body and beginning of the request that they complete."""
        self._began_at = self._began_at or moment
        self._bytes += data
        head, end, body = self._bytes.partition(_END)
        if not end or len(body) < _length(head):
            return None
        whole = head.split(b" ", 2)[1].decode(), body, self._began_at
        self._bytes, self._began_at = b"", None
        return whole


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
