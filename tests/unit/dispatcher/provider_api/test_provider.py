"""The provider's client against a real server on this machine."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.dispatcher.provider_api import provider
from services.dispatcher.provider_api.provider import Provider
from services.dispatcher.provider_api.replies import Reply
from services.dispatcher.provider_api.reply_parser import LONGEST_BODY
from tests.support.builders import PHONE, TEXT, TOKEN
from tests.unit.dispatcher.provider_api.waiting_owner import wait_for_reply

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATIENCE_SECONDS = 10


@contextlib.asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[str]:
    """Serves the send API with this answer, and yields its base URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/v1"))


@contextlib.asynccontextmanager
async def served_raw(sent: bytes, *, reset: bool = False) -> AsyncIterator[str]:
    """Accepts a request, send these bytes whatever it was, and close or reset the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(sent)
        await writer.drain()
        if reset:
            linger_not = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"


async def send(url: str, seconds: float = PATIENCE_SECONDS, text: str = TEXT) -> Reply:
    async with connected(url) as send_api:
        return await post(send_api, 5, seconds, text)


def connected(url: str) -> contextlib.AbstractAsyncContextManager[Provider]:
    return provider.connect(url, TOKEN, most_open=1000)


async def post(send_api: Provider, message_id: int = 5, seconds: float = PATIENCE_SECONDS, text: str = TEXT) -> Reply:
    deadline = asyncio.get_running_loop().time() + seconds
    return await wait_for_reply(
        lambda owner: send_api.begin(message_id, PHONE, text, deadline=deadline, owner=owner), send_api.cancel
    )


async def test_a_message_is_sent_as_published() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, request.headers, await request.json()))
        return web.json_response({"code": 0, "message": "OK"})

    async with served(answer) as url:
        reply = await send(url, text="Привет 😀\n«строка»")
    assert (reply.kind, reply.http_status, reply.body) == ("answered", 200, b'{"code": 0, "message": "OK"}')
    [(method, path, headers, body)] = seen
    assert (method, path) == ("POST", "/v1/send/5")
    assert (headers["Authorization"], headers["Content-Type"]) == (f"Bearer {TOKEN}", "application/json")
    assert body == {"id": 5, "phone": 79991234567, "text": "Привет 😀\n«строка»"}


async def test_a_slash_at_the_end_of_the_url_does_not_matter() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async with served(answer) as url:
        assert (await send(f"{url}/")).body == b"/v1/send/5"


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_an_error_is_an_answer_with_its_headers(status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text="busy", headers={"Retry-After": "7", "Date": "today"})

    async with served(answer) as url:
        assert await send(url) == Reply("answered", status, b"busy", retry_after="7", date="today")


async def test_a_hanging_provider_times_out() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with served(answer) as url:
        began = asyncio.get_running_loop().time()
        reply = await send(url, seconds=0.2)
        took = asyncio.get_running_loop().time() - began
    assert reply.kind == "timeout"
    assert 0.15 <= took < 2


async def test_the_timeout_is_for_the_whole_request_however_steadily_it_drips() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.01)
        return response

    async with served(answer) as url:
        assert (await send(url, seconds=0.2)).kind == "timeout"


async def test_a_refused_connection_is_unreachable() -> None:
    with socket.socket() as unheard:
        # Bound and not listening: nobody else can take the port, and nobody answers on it.
        unheard.bind(("127.0.0.1", 0))
        reply = await send(f"http://127.0.0.1:{unheard.getsockname()[1]}/v1")
    assert (reply.kind, reply.http_status) == ("unreachable", None)


async def test_a_name_that_does_not_exist_is_unreachable() -> None:
    reply = await send("http://provider.invalid/v1")
    assert reply.kind == "unreachable"
    assert (reply.detail or "").startswith("name not resolved: ")


async def test_a_server_that_does_not_speak_tls_is_unreachable() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        reply = await send(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    assert (reply.kind, reply.detail) == ("unreachable", "TLS failed: WRONG_VERSION_NUMBER")


async def test_a_connection_that_is_never_accepted_is_unreachable() -> None:
    with contextlib.ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # With its backlog full, the kernel drops further connections.
        for _ in range(3):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        reply = await send(f"http://127.0.0.1:{full.getsockname()[1]}/v1", seconds=0.5)
    # Nothing of the request was written, so it is no timeout, which may have arrived.
    assert (reply.kind, reply.detail) == ("unreachable", "no connection in time")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "reset"),
    [
        # Closed or reset, before or in the middle of the reply.
        (b"", False),
        (b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Le", False),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"code"', False),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"code"', True),
        # A whole success, whose header announces more bytes.
        (b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"code": 0}', False),
        (CHUNKED + b'b\r\n{"code": 0}\r\n', False),
        # Chunks that are none.
        (CHUNKED + b"xyz\r\n", False),
        (CHUNKED + b'b\r\n{"code": 0}no end of a chunk', False),
        (CHUNKED + b"ffffffffffffffffffff\r\n", False),
        # No HTTP.
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"\0" * 100, False),
        (b"HTTP/1.1 OK 200\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", False),
    ],
)
async def test_what_is_no_whole_reply_is_a_broken_connection(sent: bytes, reset: bool) -> None:
    async with served_raw(sent, reset=reset) as url:
        reply = await send(url)
    assert (reply.kind, reply.http_status, reply.body) == ("broken", None, b"")
    assert reply.detail


@pytest.mark.parametrize("length", [LONGEST_BODY - 1, LONGEST_BODY, LONGEST_BODY + 1, 100 * LONGEST_BODY])
async def test_a_huge_body_is_cut(length: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * length)

    async with served(answer) as url:
        reply = await send(url)
    assert (reply.kind, len(reply.body)) == ("answered", min(length, LONGEST_BODY))


async def test_an_endless_body_is_cut() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65_536)
        return response

    async with served(answer) as url:
        assert len((await send(url)).body) == LONGEST_BODY


async def test_a_message_can_be_sent_after_a_body_was_cut() -> None:
    bodies = [b"x" * 10 * LONGEST_BODY, b"short"]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=bodies.pop(0))

    async with served(answer) as url, connected(url) as send_api:
        replies = [await post(send_api) for _ in range(2)]
    assert [len(reply.body) for reply in replies] == [LONGEST_BODY, 5]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirection_is_not_followed(status: int) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/v1/elsewhere"})

    async with served(answer) as url:
        assert (await send(url)).http_status == status
    assert asked == ["/v1/send/5"]


async def test_cookies_are_not_kept() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "session=1; Path=/"})

    async with served(answer) as url, connected(url) as send_api:
        for _ in range(2):
            await post(send_api)
    assert seen == [None, None]


async def test_a_connection_is_used_again() -> None:
    ports = set()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(text="{}")

    async with served(answer) as url, connected(url) as send_api:
        for _ in range(5):
            await post(send_api)
    assert len(ports) == 1


async def test_requests_do_not_wait_for_each_other() -> None:
    arrived = asyncio.Barrier(200)

    async def answer(_: web.Request) -> web.Response:
        await arrived.wait()
        return web.Response(text="{}")

    async with served(answer) as url, connected(url) as send_api:
        replies = await asyncio.gather(*(post(send_api, n) for n in range(200)))
    assert {reply.kind for reply in replies} == {"answered"}


@pytest.mark.parametrize("coding", [web.ContentCoding.gzip, web.ContentCoding.deflate])
async def test_a_compressed_body_is_unpacked_though_it_was_not_asked_for(coding: web.ContentCoding) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        response = web.Response(body=b"x" * 1_000_000)
        response.enable_compression(coding)
        return response

    async with served(answer) as url:
        assert (await send(url)).body == b"x" * LONGEST_BODY


async def test_a_cancelled_request_is_cancelled() -> None:
    arrived = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with served(answer) as url:
        request = asyncio.create_task(send(url))
        await arrived.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
