"""A server that answers each request as its body asks for, in every wrong way there is, and remembers what it saw."""

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import orjson

HEAD = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Seen:
    """What the server saw: the ids of requests as they came, and its connections."""

    ids: list[int] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0
    pipelined: int = 0


def whole(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def reset(writer: Writer) -> None:
    """Closes a connection with a reset."""
    # A transport's socket refuses this option, and its descriptor takes it.
    with socket.socket(fileno=socket.dup(writer.get_extra_info("socket").fileno())) as twin:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _ok(writer: Writer, body: bytes) -> bool:
    writer.write(whole(body))
    return True


async def _chunked(writer: Writer, body: bytes) -> bool:
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for place in range(len(body)):
        writer.write(b"1;x=y\r\n" + body[place : place + 1] + b"\r\n")
        await asyncio.sleep(0)
    writer.write(b"0\r\nX-Trailer: 1\r\n\r\n")
    return True


async def _until_close(writer: Writer, body: bytes) -> bool:
    writer.write(HEAD + b"\r\n" + body)
    return False


async def _dripping(writer: Writer, body: bytes) -> bool:
    for byte in whole(body):
        writer.write(bytes((byte,)))
        await asyncio.sleep(0)
    return True


async def _interim(writer: Writer, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    await asyncio.sleep(0.001)
    writer.write(whole(body))
    return True


async def _then_close(writer: Writer, body: bytes) -> bool:
    writer.write(whole(body))
    return False


async def _said_close(writer: Writer, body: bytes) -> bool:
    writer.write(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return False


async def _close(_: Writer, __: bytes) -> bool:
    return False


async def _reset(writer: Writer, _: bytes) -> bool:
    reset(writer)
    return False


async def _half(writer: Writer, body: bytes) -> bool:
    writer.write(whole(body)[:-1])
    return False


async def _garbage(writer: Writer, _: bytes) -> bool:
    writer.write(b"\x16\x03\x01 no http\r\n\r\n")
    return False


async def _twice(writer: Writer, _: bytes) -> bool:
    writer.write(whole(b"first") + whole(b"second"))
    return True


async def _twice_with_a_pause(writer: Writer, body: bytes) -> bool:
    writer.write(whole(body))
    await asyncio.sleep(0.002)
    writer.write(whole(b"nobody asked"))
    return True


async def _late(writer: Writer, body: bytes) -> bool:
    await asyncio.sleep(0.15)
    writer.write(whole(body))
    return True


async def _hang(_: Writer, __: bytes) -> bool:
    await asyncio.sleep(3600)
    return False


BEHAVIOURS: dict[str, Callable[[Writer, bytes], Awaitable[bool]]] = {
    "ok": _ok,
    "chunked": _chunked,
    "until close": _until_close,
    "dripping": _dripping,
    "interim": _interim,
    "then close": _then_close,
    "said close": _said_close,
    "close": _close,
    "reset": _reset,
    "half": _half,
    "garbage": _garbage,
    "twice": _twice,
    "twice with a pause": _twice_with_a_pause,
    "late": _late,
    "hang": _hang,
}


def ask(number: int, behaviour: str) -> bytes:
    """Makes the body of a request that is answered so."""
    return orjson.dumps({"id": number, "behaviour": behaviour})


@contextlib.asynccontextmanager
async def misbehaving() -> AsyncIterator[tuple[int, Seen]]:
    """Runs a server, and yields its port and what it sees. A reply's body is the id in its request."""
    seen, handlers = Seen(), set[asyncio.Task[None]]()

    async def serve(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        seen.connections += 1
        seen.open += 1
        seen.most_open = max(seen.most_open, seen.open)
        try:
            while await _answer(reader, writer, seen):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            seen.open -= 1
            handlers.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        for handler in tuple(handlers):
            handler.cancel()
        if handlers:
            await asyncio.wait(tuple(handlers))


async def _answer(reader: Reader, writer: Writer, seen: Seen) -> bool:
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = (int(line.split(b":")[1]) for line in head.splitlines() if line.startswith(b"Content-Length:"))
    asked = orjson.loads(await reader.readexactly(length))
    seen.ids.append(asked["id"])
    goes_on = await BEHAVIOURS[asked["behaviour"]](writer, b"%d" % asked["id"])
    await writer.drain()
    return goes_on
