"""The HTTP client against servers that misbehave."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dispatcher.provider_api.dialer import Dialer, NotConnected
from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.provider_api.origin import read_origin
from services.dispatcher.provider_api.replies import Reply
from tests.support.polling import until
from tests.unit.dispatcher.provider_api.conftest import LOOPS
from tests.unit.dispatcher.provider_api.misbehaving_server import BEHAVIOURS, ask, misbehaving, whole
from tests.unit.dispatcher.provider_api.waiting_owner import NotBegun, wait_for_reply

PATIENCE_SECONDS = 10
ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)


@contextlib.asynccontextmanager
async def client_of(port: int, *, most_open: int = 100, dialer: Dialer | None = None) -> AsyncIterator[HttpClient]:
    client = HttpClient(read_origin(f"http://127.0.0.1:{port}"), most_open=most_open, dialer=dialer)
    try:
        yield client
    finally:
        await client.close()


async def post(
    client: HttpClient,
    number: int,
    behaviour: str = "ok",
    *,
    seconds: float = PATIENCE_SECONDS,
    may_begin: Callable[[], bool] = lambda: True,
) -> Reply:
    deadline = asyncio.get_running_loop().time() + seconds
    return await wait_for_reply(
        lambda owner: client.begin(b"/", ask(number, behaviour), b"", deadline=deadline, owner=owner),
        client.cancel,
        may_begin,
    )


class SlowDialer(Dialer):
    """Connects only while `gate` is set, fails the first `failures` times, and counts."""

    def __init__(self, port: int, *, failures: int = 0) -> None:
        super().__init__(read_origin(f"http://127.0.0.1:{port}"))
        self.gate = asyncio.Event()
        self.failures = failures
        self.dialled = 0
        self.dialling = 0
        self.most_dialling = 0

    async def dial(self, make: Callable[[], ProtocolT]) -> ProtocolT:
        self.dialled += 1
        self.dialling += 1
        self.most_dialling = max(self.most_dialling, self.dialling)
        try:
            await self.gate.wait()
            if self.dialled <= self.failures:
                raise NotConnected("refused")
            return await super().dial(make)
        finally:
            self.dialling -= 1


@pytest.mark.parametrize(
    "behaviour", ["ok", "chunked", "until close", "dripping", "interim", "said close", "then close"]
)
async def test_every_whole_reply_is_read(behaviour: str) -> None:
    async with misbehaving() as (port, seen), client_of(port) as client:
        replies = [await post(client, number, behaviour) for number in range(3)]
    assert [(reply.http_status, reply.body) for reply in replies] == [(200, b"0"), (200, b"1"), (200, b"2")]
    assert seen.ids == [0, 1, 2]


@pytest.mark.parametrize("behaviour", ["close", "reset", "half", "garbage"])
@pytest.mark.parametrize("kept", [False, True])
async def test_what_broke_may_have_arrived_and_is_never_repeated(behaviour: str, kept: bool) -> None:
    async with misbehaving() as (port, seen), client_of(port) as client:
        if kept:
            await post(client, 1)
        reply = await post(client, 2, behaviour)
        assert (reply.kind, seen.ids.count(2)) == ("broken", 1)
        assert reply.detail
        # The next one has a connection of its own.
        assert (await post(client, 3)).body == b"3"


async def test_it_is_asked_with_the_connection_at_hand_whether_a_request_may_begin() -> None:
    asked: list[int] = []

    async with misbehaving() as (port, seen):
        dialer = SlowDialer(port)

        def may_begin() -> bool:
            # By now the connection is there: the server has accepted it, or will.
            asked.append(dialer.dialling)
            return True

        async with client_of(port, dialer=dialer) as client:
            sending = asyncio.create_task(post(client, 1, may_begin=may_begin))
            await asyncio.sleep(0.05)
            assert (asked, dialer.dialling) == ([], 1)
            dialer.gate.set()
            assert (await sending).body == b"1"
            assert asked == [0]
            await post(client, 2, may_begin=may_begin)
            assert (asked, seen.connections) == ([0, 0], 1)


@pytest.mark.parametrize("kept", [False, True])
async def test_nothing_is_written_of_what_may_not_begin_and_its_connection_is_kept(kept: bool) -> None:
    async with misbehaving() as (port, seen), client_of(port) as client:
        if kept:
            await post(client, 1)
        with pytest.raises(NotBegun):
            await post(client, 2, may_begin=lambda: False)
        assert (await post(client, 3)).body == b"3"
    assert (2 in seen.ids, seen.connections) == (False, 1)


async def test_an_error_while_asking_is_the_callers_and_costs_no_connection() -> None:
    def may_begin() -> bool:
        raise RuntimeError("a fault of the caller's")

    async with misbehaving() as (port, seen), client_of(port) as client:
        for number in range(3):
            with pytest.raises(RuntimeError):
                await post(client, number, may_begin=may_begin)
        assert (await post(client, 9)).body == b"9"
    assert (seen.ids, seen.connections) == ([9], 1)


async def test_nothing_is_tried_when_the_time_is_over() -> None:
    async with misbehaving() as (port, seen), client_of(port) as client:
        with pytest.raises(NotBegun):
            await post(client, 1, seconds=0)
    assert seen.connections == 0


async def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    async with misbehaving() as (port, seen), client_of(port) as client:
        for number in range(5):
            assert (await post(client, number, "then close")).body == b"%d" % number
            await until(_nothing_open(client), 5)
    assert seen.connections == 5


def _nothing_open(client: HttpClient) -> Callable[[], Awaitable[bool]]:
    async def closed() -> bool:
        return client.connections == 0

    return closed


class BlockingServer(threading.Thread):
    """Answers one request a connection from a thread of its own, then ends the connection in some way."""

    def __init__(self, then: Callable[[socket.socket], None]) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._then = then
        self._accepted: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.ended = threading.Event()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._accepted.append(connection)
                self.requests.append(connection.recv(65_536))
                connection.sendall(whole(b"%d" % len(self.requests)))
                # The reply must be read before the connection ends, or a reset would overtake it.
                time.sleep(0.05)
                self._then(connection)
                self.ended.set()

    def close(self) -> None:
        # Closing alone would not wake the thread that waits in it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self.join()
        for opened in (self._listener, *self._accepted):
            opened.close()


def _close(connection: socket.socket) -> None:
    connection.close()


def _shut_down(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def _complain(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("then", [_close, _shut_down, _reset, _complain])
async def test_what_the_kernel_knows_of_a_kept_connection_is_asked_before_it_is_used(
    then: Callable[[socket.socket], None],
) -> None:
    server = BlockingServer(then)
    server.start()
    async with client_of(server.port) as client:
        assert (await post(client, 1)).body == b"1"
        # The loop stands still, so it cannot have read that the connection has ended.
        server.ended.wait(5)
        time.sleep(0.02)  # noqa: ASYNC251
        reply = await post(client, 2)
    server.close()
    assert (reply.kind, reply.http_status, reply.body) == ("answered", 200, b"2")
    assert len(server.requests) == 2


async def test_bytes_that_nobody_asked_for_end_a_kept_connection() -> None:
    async with misbehaving() as (port, seen), client_of(port) as client:
        assert (await post(client, 1, "twice with a pause")).body == b"1"
        await until(_nothing_open(client), 5)
        assert (await post(client, 2)).body == b"2"
        assert (await post(client, 3, "twice")).body == b"first"
        assert (await post(client, 4)).body == b"4"
    assert seen.connections == 3


async def test_a_late_reply_finds_its_connection_closed_and_is_nobody_elses() -> None:
    async with misbehaving() as (port, seen), client_of(port, most_open=1) as client:
        began = asyncio.get_running_loop().time()
        reply = await post(client, 1, "late", seconds=0.05)
        assert (reply.kind, asyncio.get_running_loop().time() - began < 5) == ("timeout", True)
        assert (await post(client, 2)).body == b"2"
        await asyncio.sleep(0.2)
        assert (await post(client, 3)).body == b"3"
    assert seen.ids == [1, 2, 3]


async def test_a_deadline_before_there_is_a_connection_is_no_timeout_of_the_request() -> None:
    async with misbehaving() as (port, seen):
        dialer = SlowDialer(port)
        async with client_of(port, dialer=dialer) as client:
            reply = await post(client, 1, seconds=0.1)
            assert (reply.kind, reply.detail) == ("unreachable", "no connection in time")
            dialer.gate.set()
            # Its connection is not lost: the next request has it.
            assert (await post(client, 2)).body == b"2"
    assert (seen.ids, dialer.dialled) == ([2], 1)


async def test_no_more_connections_are_open_than_allowed() -> None:
    async with misbehaving() as (port, seen), client_of(port, most_open=3) as client:
        replies = await asyncio.gather(*(post(client, number, "dripping") for number in range(30)))
    assert [reply.body for reply in replies] == [b"%d" % number for number in range(30)]
    assert seen.most_open == 3


async def test_no_more_connections_are_made_at_once_than_allowed() -> None:
    async with misbehaving() as (port, _):
        dialer = SlowDialer(port)
        client = HttpClient(read_origin(f"http://127.0.0.1:{port}"), most_open=100, most_dialled=7, dialer=dialer)
        sending = [asyncio.create_task(post(client, number)) for number in range(50)]
        await asyncio.sleep(0.01)
        dialer.gate.set()
        replies = await asyncio.gather(*sending)
        await client.close()
    assert {reply.kind for reply in replies} == {"answered"}
    assert dialer.most_dialling == 7


async def test_each_failure_to_connect_ends_one_request_and_the_others_go_on() -> None:
    async with misbehaving() as (port, seen):
        dialer = SlowDialer(port, failures=4)
        dialer.gate.set()
        client = HttpClient(read_origin(f"http://127.0.0.1:{port}"), most_open=100, most_dialled=1, dialer=dialer)
        replies = await asyncio.gather(*(post(client, number) for number in range(6)))
        await client.close()
    assert [reply.kind for reply in replies] == ["unreachable"] * 4 + ["answered"] * 2
    assert seen.ids == [4, 5]


async def test_a_request_that_waits_takes_a_connection_that_becomes_free() -> None:
    async with misbehaving() as (port, seen):
        dialer = SlowDialer(port)
        dialer.gate.set()
        async with client_of(port, dialer=dialer) as client:
            first = asyncio.create_task(post(client, 1, "interim"))
            await until(_seen(seen.ids, 1), 5)
            dialer.gate.clear()
            assert (await post(client, 2)).body == b"2"
            assert (await first).body == b"1"
    assert seen.connections == 1


def _seen(ids: list[int], number: int) -> Callable[[], Awaitable[bool]]:
    async def arrived() -> bool:
        return number in ids

    return arrived


async def test_a_cancelled_request_ends_its_connection_and_no_other() -> None:
    async with misbehaving() as (port, seen), client_of(port, most_open=2) as client:
        hanging = [asyncio.create_task(post(client, number, "hang")) for number in range(2)]
        waiting = [asyncio.create_task(post(client, number)) for number in (7, 8)]
        await until(_seen(seen.ids, 1), 5)
        waiting[0].cancel()
        hanging[0].cancel()
        assert (await waiting[1]).body == b"8"
        assert not hanging[1].done()
        hanging[1].cancel()
        await asyncio.gather(*hanging, *waiting, return_exceptions=True)
    assert 7 not in seen.ids


async def test_a_request_cancelled_with_its_reply_leaves_the_connection_to_the_next() -> None:
    async with misbehaving() as (port, seen), client_of(port) as client:
        for _ in range(30):
            first = asyncio.create_task(post(client, 1))
            while not first.done():
                await asyncio.sleep(0)
                if len(seen.ids) % 2:
                    first.cancel()
            assert (await post(client, 2)).body == b"2"
            await asyncio.gather(first, return_exceptions=True)
            seen.ids.clear()


async def test_closing_ends_what_is_under_way_by_what_is_known() -> None:
    async with misbehaving() as (port, seen):
        client = HttpClient(read_origin(f"http://127.0.0.1:{port}"), most_open=1)
        begun, waiting = (asyncio.create_task(post(client, number, "hang")) for number in (1, 2))
        await until(_seen(seen.ids, 1), 5)
        await client.close()
        assert [(await task).kind for task in (begun, waiting)] == ["broken", "unreachable"]


@pytest.mark.parametrize("loop", LOOPS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    # A reply that nobody asked for cannot be told from that to a request which it crosses on its way.
    st.lists(st.sampled_from(sorted(set(BEHAVIOURS) - {"twice with a pause"})), min_size=1, max_size=25),
    st.integers(1, 6),
    st.sets(st.integers(0, 24), max_size=5),
)
def test_whatever_a_server_does_each_request_gets_its_own_reply_and_is_seen_once(
    loop: str, behaviours: list[str], most_open: int, forbidden: set[int]
) -> None:
    async def one(client: HttpClient, number: int, behaviour: str) -> Reply | None:
        try:
            return await post(client, number, behaviour, seconds=0.1, may_begin=lambda: number not in forbidden)
        except NotBegun:
            return None

    async def run() -> None:
        async with misbehaving() as (port, seen), client_of(port, most_open=most_open) as client:
            replies = await asyncio.gather(*(one(client, number, how) for number, how in enumerate(behaviours)))
        for number, (behaviour, reply) in enumerate(zip(behaviours, replies, strict=True)):
            assert seen.ids.count(number) <= 1
            if reply is None or reply.kind == "unreachable":
                assert number not in seen.ids
            elif reply.kind == "answered":
                assert number not in forbidden
                assert reply.body == (b"first" if behaviour == "twice" else b"%d" % number)
        # A busy server sees late that connections were closed.
        assert seen.most_open <= most_open + 3

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())
