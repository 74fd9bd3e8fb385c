"""Writes replies to the connection, whole or broken, in the manner of their mode."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from services.sandbox.listener import reset
from services.sandbox.modes import Behaviour, Manner

# Between bytes. A success then takes 50 s, longer than any sensible timeout.
DRIP_PAUSE = timedelta(seconds=2)
HUGE_BYTES = 8 * 1024 * 1024
# Stands where a chunked body has the size of its next chunk in hexadecimal.
NO_SIZE = "zz"
_PIECE = b"A" * 65_536

WriteReply = Callable[[web.Request, Behaviour, dict[str, str]], Awaitable[web.StreamResponse]]


async def write_reply(request: web.Request, behaviour: Behaviour, retry_after: str) -> web.StreamResponse:
    """Answers a request as its mode requires. Only modes with a Retry-After header use `retry_after`."""
    headers = {"Content-Type": behaviour.content_type}
    if behaviour.retry_after:
        headers["Retry-After"] = retry_after
    return await _MANNERS[behaviour.manner](request, behaviour, headers)


async def _whole(_: web.Request, behaviour: Behaviour, headers: dict[str, str]) -> web.StreamResponse:
    return web.Response(status=behaviour.status or 200, body=behaviour.body, headers=headers)


async def _drip(request: web.Request, behaviour: Behaviour, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(status=behaviour.status or 200, headers=headers)
    response.content_length = len(behaviour.body)
    await response.prepare(request)
    for byte in behaviour.body:
        await response.write(bytes((byte,)))
        await asyncio.sleep(DRIP_PAUSE.total_seconds())
    return response


async def _flood(request: web.Request, behaviour: Behaviour, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(status=behaviour.status or 200, headers=headers)
    await response.prepare(request)
    await response.write(behaviour.body)
    for _ in range(HUGE_BYTES // len(_PIECE)):
        await response.write(_PIECE)
    return response


async def _bad_chunks(request: web.Request, behaviour: Behaviour, headers: dict[str, str]) -> web.StreamResponse:
    """Begins a chunked reply whose chunk has no size. Bypasses aiohttp, which refuses to write one."""
    if request.transport is not None:
        lines = [f"HTTP/1.1 {behaviour.status} OK", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, "Transfer-Encoding: chunked", "", NO_SIZE, ""])
        request.transport.write(head.encode() + behaviour.body + b"\r\n")
        request.transport.close()
    return web.Response()


async def _hang(_: web.Request, __: Behaviour, ___: dict[str, str]) -> web.StreamResponse:
    # aiohttp cancels the wait when the caller leaves or the sandbox stops.
    await asyncio.Event().wait()
    return web.Response()


async def _close(request: web.Request, _: Behaviour, __: dict[str, str]) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _reset(request: web.Request, _: Behaviour, __: dict[str, str]) -> web.StreamResponse:
    reset(request.transport)
    return web.Response()


_MANNERS: dict[Manner, WriteReply] = {
    Manner.WHOLE: _whole,
    Manner.DRIP: _drip,
    Manner.FLOOD: _flood,
    Manner.BAD_CHUNKS: _bad_chunks,
    Manner.HANG: _hang,
    Manner.CLOSE: _close,
    Manner.RESET: _reset,
}
