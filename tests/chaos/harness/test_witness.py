"""The moments of the kernel do not depend on who reads late, and a microsecond is late."""

import json
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from tests.chaos.faults.statements import Frontend
from tests.chaos.harness.kernel_time import ask, note_moments, receive
from tests.chaos.harness.rig import Rig
from tests.chaos.harness.witness import BegunRequest, Witness
from tests.chaos.test_edits import begun_after, judge_late

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other kernels note no moments")

ANSWERED = datetime(2030, 1, 1, tzinfo=UTC)


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"code": 0})


def a_server() -> TestServer:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return TestServer(app)


async def test_bytes_have_the_moment_of_their_arrival_however_late_they_are_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        note_moments(listener)
        with socket.create_connection(listener.getsockname()) as sender, listener.accept()[0] as receiver:
            receiver.setblocking(False)
            before = datetime.now(UTC)
            sender.sendall(b"x")
            after = datetime.now(UTC)
            time.sleep(0.05)  # noqa: ASYNC251
            data, moment = await receive(receiver)
    assert data == b"x"
    assert before <= moment <= after + timedelta(milliseconds=20)


async def test_a_witness_knows_each_request() -> None:
    async with a_server() as server, Witness(str(server.make_url("/v1"))) as witness, ClientSession() as session:
        for number in range(3):
            sent = json.dumps({"id": number, "text": "Hello"})
            async with session.post(f"{witness.url}/send/{number}", data=sent) as reply:
                assert reply.status == 200
    assert [(one.message_id, one.text) for one in witness.requests] == [(0, "Hello"), (1, "Hello"), (2, "Hello")]
    assert [one.begun_at for one in witness.requests] == sorted(one.begun_at for one in witness.requests)


async def test_an_answer_was_given_when_it_arrived() -> None:
    async with a_server() as server:
        before = datetime.now(UTC)
        status, moment = await ask(str(server.make_url("/")), "POST", "/mailings/1/pause", b"{}", "token")
    assert status == 200
    assert before <= moment <= datetime.now(UTC)


def test_one_microsecond_after_the_answer_is_late() -> None:
    nothing = cast(Any, None)
    rig = Rig("", nothing, nothing, nothing, nothing, 1, 1)
    at_once = BegunRequest(1, "old", ANSWERED)
    late = BegunRequest(2, "old", ANSWERED + timedelta(microseconds=1))
    judge_late(rig, 1, begun_after([at_once], {"old": ANSWERED}))
    assert rig.violations == []
    judge_late(rig, 1, begun_after([at_once, late], {"old": ANSWERED}))
    assert rig.violations == ["I3 1 requests began after the answer, by up to 0:00:00.000001"]


def test_statements_are_known_by_their_text() -> None:
    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    frontend = Frontend()
    opening = message(b"", (80877103).to_bytes(4, "big")) + message(b"", (3 << 16).to_bytes(4, "big") + b"user\0me\0\0")
    prepared = (
        message(b"P", b"one\0UPDATE flights\0\0\0") + message(b"B", b"\0one\0\0\0") + message(b"E", b"\0\0\0\0\0")
    )
    sent = opening + prepared + message(b"Q", b"COMMIT;\0")
    found = [text for place in range(len(sent)) for text in frontend.feed(sent[place : place + 1])]
    assert found == ["UPDATE flights", "COMMIT;"]
