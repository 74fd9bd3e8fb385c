"""The sandbox as a process, spoken to over its port."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from services.sandbox.token import make_token

SECRET = "a-secret-for-tests-of-32-characters!"
TOKEN = make_token(SECRET)
PHONE = 79991234567
SHORT = aiohttp.ClientTimeout(total=0.3)
LONG = aiohttp.ClientTimeout(total=20)
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Running:
    """A sandbox process and its ports."""

    process: subprocess.Popen[bytes]
    port: int
    control_port: int | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def start(env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    settings = {"HERALD_SANDBOX_PORT": "0", "HERALD_SANDBOX_SECRET": SECRET, **env}
    return subprocess.Popen(
        [sys.executable, "-m", "services.sandbox"],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@contextlib.contextmanager
def running(**env: str) -> Iterator[Running]:
    with start(env) as process:
        try:
            assert process.stdout is not None
            opened = next(line for line in map(orjson.loads, process.stdout) if line["event"] == "sandbox open")
            yield Running(process, opened["port"], opened["control_port"])
        finally:
            process.kill()


class Caller:
    """Speaks to a sandbox as the dispatcher and as a test would."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def send(
        self, message_id: int, *, phone: int = PHONE, text: str = "hello", patience: aiohttp.ClientTimeout = LONG
    ) -> tuple[int, bytes]:
        """Sends as it should be done, and returns the status and body of the reply."""
        body = {"id": message_id, "phone": phone, "text": text}
        async with self.post(message_id, orjson.dumps(body), patience=patience) as reply:
            return reply.status, await reply.read()

    def post(
        self,
        path_id: int | str,
        body: bytes,
        *,
        authorization: str | None = f"Bearer {TOKEN}",
        patience: aiohttp.ClientTimeout = LONG,
    ) -> Any:
        headers = {} if authorization is None else {"Authorization": authorization}
        return self._session.post(f"{self.url}/v1/send/{path_id}", data=body, headers=headers, timeout=patience)

    async def set_faults(self, **faults: object) -> Any:
        async with self._session.put(f"{self.url}/faults", data=orjson.dumps(faults)) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()

    async def set_mode(self, mode: str) -> None:
        await self.set_faults(modes={mode: 1})

    async def get(self, path: str, status: int = 200) -> Any:
        async with self._session.get(f"{self.url}{path}") as reply:
            assert reply.status == status, await reply.text()
            return await reply.json()

    async def counts(self) -> tuple[int, int]:
        """Returns how many requests were accepted, and how many were not."""
        ledger = await self.get("/ledger")
        return ledger["accepted"], ledger["rejected"]

    async def empty_ledger(self) -> None:
        async with self._session.delete(f"{self.url}/ledger") as reply:
            assert reply.status == 204


@contextlib.asynccontextmanager
async def a_caller(url: str) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(timeout=LONG) as session:
        yield Caller(session, url)


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Running]:
    with running() as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def sandbox(shared_sandbox: Running) -> AsyncIterator[Caller]:
    """A sandbox without faults and with an empty ledger."""
    async with a_caller(shared_sandbox.url) as caller:
        await caller.set_faults()
        await caller.empty_ledger()
        yield caller


async def test_a_healthy_sandbox_accepts(sandbox: Caller) -> None:
    before = datetime.now(UTC)
    status, body = await sandbox.send(17, text="Привет")
    assert (status, orjson.loads(body)) == (200, {"code": 0, "message": "OK"})
    [request] = await sandbox.get("/ledger/17")
    received_at = datetime.fromisoformat(request.pop("received_at"))
    assert before <= received_at <= datetime.now(UTC)
    assert received_at.utcoffset() == timedelta(0)
    assert request == {"mode": "ok", "http_status": 200, "phone": PHONE, "text": "Привет", "accepted": True}


@pytest.mark.parametrize(
    ("mode", "status", "body", "content_type"),
    [
        ("error500", 500, b'{"code":500,"message":"internal error"}', "application/json"),
        ("error503", 503, b'{"code":503,"message":"service unavailable"}', "application/json"),
        ("reject400", 400, b'{"code":400,"message":"rejected"}', "application/json"),
        ("unauthorized", 401, b'{"code":401,"message":"unauthorized"}', "application/json"),
        ("too_many", 429, b'{"code":429,"message":"too many requests"}', "application/json"),
        ("garbage", 200, b'{"code": 0, "mess', "application/json"),
        ("html", 200, b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
        ("empty", 200, b"", "application/json"),
        ("no_code", 200, b'{"message":"OK"}', "application/json"),
    ],
)
async def test_a_mode_that_replies_is_not_accepted(
    sandbox: Caller, mode: str, status: int, body: bytes, content_type: str
) -> None:
    await sandbox.set_mode(mode)
    async with sandbox.post(1, orjson.dumps({"id": 1, "phone": PHONE, "text": "a"})) as reply:
        assert (reply.status, await reply.read(), reply.content_type) == (status, body, content_type)
    [request] = await sandbox.get("/ledger/1")
    assert (request["mode"], request["http_status"], request["accepted"]) == (mode, status, False)
    assert await sandbox.counts() == (0, 1)


@pytest.mark.parametrize("mode", ["error503", "too_many"])
@pytest.mark.parametrize(
    ("faults", "header"),
    [
        ({}, "1"),
        ({"retry_after": 30}, "30"),
        ({"retry_after": "Sun, 06 Nov 1994 08:49:37 GMT"}, "Sun, 06 Nov 1994 08:49:37 GMT"),
        ({"retry_after": 30, "retry_after_text": "soon, perhaps"}, "soon, perhaps"),
    ],
)
async def test_a_busy_mode_carries_a_retry_after(
    sandbox: Caller, mode: str, faults: dict[str, object], header: str
) -> None:
    await sandbox.set_faults(modes={mode: 1}, **faults)
    async with sandbox.post(1, orjson.dumps({"id": 1, "phone": PHONE, "text": "a"})) as reply:
        assert reply.headers["Retry-After"] == header


async def test_hang_never_replies(sandbox: Caller) -> None:
    await sandbox.set_mode("hang")
    with pytest.raises(TimeoutError):
        await sandbox.send(1, patience=SHORT)
    [request] = await sandbox.get("/ledger/1")
    assert (request["mode"], request["http_status"], request["accepted"]) == ("hang", None, False)


async def test_slow_drip_accepts_and_replies_byte_by_byte(sandbox: Caller) -> None:
    await sandbox.set_mode("slow_drip")
    async with sandbox.post(1, orjson.dumps({"id": 1, "phone": PHONE, "text": "a"})) as reply:
        assert reply.status == 200
        assert await reply.content.readany() == b"{"
    with pytest.raises(TimeoutError):
        await sandbox.send(1, patience=SHORT)
    assert await sandbox.counts() == (2, 0)


async def test_huge_is_no_success_however_much_is_read(sandbox: Caller) -> None:
    await sandbox.set_mode("huge")
    status, body = await sandbox.send(1)
    assert (status, len(body) > 8 * MEBIBYTE) == (200, True)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body)
    assert await sandbox.counts() == (0, 1)


async def test_huge_survives_a_caller_who_stops_reading(sandbox: Caller) -> None:
    await sandbox.set_mode("huge")
    async with sandbox.post(1, orjson.dumps({"id": 1, "phone": PHONE, "text": "a"})) as reply:
        assert len(await reply.content.readexactly(64 * 1024)) == 64 * 1024
    await sandbox.set_mode("ok")
    assert (await sandbox.send(2))[0] == 200


async def test_bad_chunks_is_no_reply_that_can_be_read(sandbox: Caller) -> None:
    await sandbox.set_mode("bad_chunks")
    with pytest.raises(aiohttp.ClientError):
        await sandbox.send(1)
    [request] = await sandbox.get("/ledger/1")
    assert (request["mode"], request["http_status"], request["accepted"]) == ("bad_chunks", 200, False)
    await sandbox.set_mode("ok")
    assert (await sandbox.send(2))[0] == 200


async def test_reset_drops_the_connection(sandbox: Caller) -> None:
    await sandbox.set_mode("reset")
    with pytest.raises(aiohttp.ClientOSError, match="reset by peer"):
        await sandbox.send(1)
    [request] = await sandbox.get("/ledger/1")
    assert (request["http_status"], request["accepted"]) == (None, False)


async def test_queued202_accepts_without_a_code(sandbox: Caller) -> None:
    await sandbox.set_mode("queued202")
    assert await sandbox.send(1) == (202, b'{"message":"queued"}')
    assert await sandbox.counts() == (1, 0)


async def test_lost_reply_accepts_and_drops_the_connection(sandbox: Caller) -> None:
    await sandbox.set_mode("lost_reply")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await sandbox.send(1)
    [request] = await sandbox.get("/ledger/1")
    assert (request["http_status"], request["accepted"]) == (None, True)


async def test_refuse_without_a_control_port_resets_every_send(sandbox: Caller) -> None:
    await sandbox.set_faults(modes={"ok": 9, "refuse": 1})
    for message_id in range(5):
        with pytest.raises(aiohttp.ClientOSError, match="reset by peer"):
            await sandbox.send(message_id)
    assert await sandbox.counts() == (0, 0)
    await sandbox.set_mode("ok")
    assert (await sandbox.send(1))[0] == 200


async def test_refuse_with_a_control_port_closes_the_listener(free_port: int) -> None:
    with running(HERALD_SANDBOX_CONTROL_PORT=str(free_port)) as opened:
        assert opened.control_port == free_port
        async with a_caller(opened.url) as sandbox, a_caller(f"http://127.0.0.1:{free_port}") as control:
            assert (await sandbox.send(1))[0] == 200
            await control.set_mode("refuse")
            with pytest.raises((aiohttp.ClientConnectorError, aiohttp.ClientOSError)):
                await sandbox.send(2)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", opened.port), timeout=5)
            assert await control.counts() == (1, 0)
            await control.set_mode("ok")
            assert (await sandbox.send(3))[0] == 200


async def test_the_port_that_refuses_answers_who_asked_it_to(free_port: int) -> None:
    with running(HERALD_SANDBOX_CONTROL_PORT=str(free_port)) as opened:
        async with a_caller(opened.url) as sandbox:
            assert (await sandbox.set_faults(modes={"refuse": 1}))["modes"] == {"refuse": 1.0}
            with pytest.raises(aiohttp.ClientConnectorError):
                await sandbox.get("/faults")


async def test_a_port_taken_meanwhile_is_an_error_and_can_be_tried_again(free_port: int) -> None:
    with running(HERALD_SANDBOX_CONTROL_PORT=str(free_port)) as opened:
        async with a_caller(opened.url) as sandbox, a_caller(f"http://127.0.0.1:{free_port}") as control:
            await control.set_mode("refuse")
            with socket.create_server(("127.0.0.1", opened.port)):
                async with aiohttp.ClientSession() as session, session.put(f"{control.url}/faults", data="{}") as reply:
                    assert reply.status == 503
                    assert "HERALD_SANDBOX_PORT" in (await reply.json())["message"]
            await control.set_faults()
            assert (await sandbox.send(1))[0] == 200


async def test_the_control_port_takes_no_sends(free_port: int) -> None:
    with running(HERALD_SANDBOX_CONTROL_PORT=str(free_port)):
        async with a_caller(f"http://127.0.0.1:{free_port}") as control:
            assert (await control.send(1))[0] == 404


@pytest.mark.parametrize(
    ("digits", "status"),
    [("0200", 200), ("0400", 400), ("0429", 429), ("0500", 500)],
)
async def test_a_magic_phone_fails_while_all_others_succeed(sandbox: Caller, digits: str, status: int) -> None:
    assert (await sandbox.send(1, phone=int(f"7999123{digits}")))[0] == status
    assert (await sandbox.send(2))[0] == 200
    assert await sandbox.counts() == (1, 1)


async def test_the_magic_phone_0408_hangs(sandbox: Caller) -> None:
    with pytest.raises(TimeoutError):
        await sandbox.send(1, phone=79991230408, patience=SHORT)


async def test_the_error_rate_comes_before_the_modes(sandbox: Caller) -> None:
    await sandbox.set_faults(error_rate=1.0, modes={"hang": 1})
    assert (await sandbox.send(1))[0] == 500


async def test_latency_holds_a_reply_back_but_not_the_ledger(sandbox: Caller) -> None:
    await sandbox.set_faults(latency_ms=200)
    began = time.monotonic()
    sending = asyncio.create_task(sandbox.send(1))
    while await sandbox.counts() == (0, 0):
        assert not sending.done()
    assert (await sending)[0] == 200
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer nonsense",
        f"Basic {TOKEN}",
        f"Bearer {make_token('another-secret-of-32-characters!')}",
    ],
)
async def test_a_send_without_a_good_token_is_401(sandbox: Caller, authorization: str | None) -> None:
    body = orjson.dumps({"id": 1, "phone": PHONE, "text": "a"})
    async with sandbox.post(1, body, authorization=authorization) as reply:
        assert (reply.status, (await reply.json())["code"]) == (401, 401)
    [request] = await sandbox.get("/ledger/1")
    del request["received_at"]
    assert request == {"mode": None, "http_status": 401, "phone": None, "text": None, "accepted": False}


@pytest.mark.parametrize(
    ("path_id", "body", "message"),
    [
        ("1", b"{", "the body must be JSON"),
        ("1", b"{}", "id is required"),
        ("1", b'{"id": true, "phone": 79991234567, "text": "a"}', "id must be an int64"),
        ("1", b'{"id": 2, "phone": 79991234567, "text": "a"}', "the id in the path"),
        ("01", b'{"id": 1, "phone": 79991234567, "text": "a"}', "the id in the path"),
        ("one", b'{"id": 1, "phone": 79991234567, "text": "a"}', "the id in the path"),
        ("%D9%A1", b'{"id": 1, "phone": 79991234567, "text": "a"}', "the id in the path"),
    ],
)
async def test_a_malformed_send_is_400(sandbox: Caller, path_id: str, body: bytes, message: str) -> None:
    await sandbox.set_mode("error500")
    async with sandbox.post(path_id, body) as reply:
        answer = await reply.json()
    assert (reply.status, answer["code"]) == (400, 400)
    assert answer["message"].startswith(message)
    assert await sandbox.counts() == (0, 1)


async def test_an_oversized_send_is_413(sandbox: Caller) -> None:
    async with sandbox.post(1, b" " * MEBIBYTE) as reply:
        assert (reply.status, (await reply.json())["code"]) == (413, 413)


async def test_faults_are_shown_as_they_were_set_and_replaced_as_a_whole(sandbox: Caller) -> None:
    full = {
        "latency_ms": 5,
        "jitter_ms": 2,
        "error_rate": 0.5,
        "modes": {"ok": 3.0, "html": 1.0},
        "retry_after": 7,
        "retry_after_text": "soon",
        "code": "1",
        "receipts": {
            "urls": {"smsc": "http://127.0.0.1:1/receipts/smsc/t"},
            "delay_ms": 20,
            "undelivered": 0.5,
            "early": 0.25,
            "doubled": 1.0,
            "lost": 0.125,
            "unknown": 0.0,
        },
    }
    assert await sandbox.set_faults(**full) == full
    assert await sandbox.get("/faults") == full
    healthy = {"latency_ms": 0, "jitter_ms": 0, "error_rate": 0.0, "modes": {"ok": 1.0}, "retry_after": 1}
    shares = dict.fromkeys(("undelivered", "early", "doubled", "lost", "unknown"), 0.0)
    healthy |= {"retry_after_text": None, "code": "1", "receipts": {"urls": {}, "delay_ms": 500} | shares}
    assert await sandbox.set_faults() == healthy


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("{", []),
        ('{"modes": {"explode": 1}}', ["modes", "explode", "[key]"]),
        ('{"modes": {"ok": -1}}', ["modes", "ok"]),
        ('{"modes": {"ok": 0}}', ["modes"]),
        ('{"error_rate": NaN}', ["error_rate"]),
        ('{"latency": 1}', ["latency"]),
        ('{"retry_after": "soon"}', ["retry_after"]),
    ],
)
async def test_wrong_faults_are_422_and_change_nothing(sandbox: Caller, body: str, place: list[str]) -> None:
    before = await sandbox.set_faults(latency_ms=1)
    async with aiohttp.ClientSession() as session, session.put(f"{sandbox.url}/faults", data=body) as reply:
        assert reply.status == 422
        answer = await reply.json()
    assert (answer["code"], answer["errors"][0]["loc"]) == (422, place)
    assert answer["errors"][0]["msg"]
    assert await sandbox.get("/faults") == before


async def test_the_ledger_counts_duplicates(sandbox: Caller) -> None:
    for message_id in (1, 2, 1):
        await sandbox.send(message_id)
    await sandbox.send(3, phone=79991230400)
    assert await sandbox.get("/ledger") == {
        "accepted": 3,
        "unique": 2,
        "duplicates": 1,
        "after_deadline": 0,
        "rejected": 1,
    }
    assert len(await sandbox.get("/ledger/1")) == 2


@pytest.mark.parametrize("path", ["/ledger/99", "/ledger/nothing"])
async def test_the_ledger_does_not_know_a_message_never_seen(sandbox: Caller, path: str) -> None:
    assert (await sandbox.get(path, 404))["code"] == 404


async def test_accepted_messages_are_paged_in_order(sandbox: Caller) -> None:
    for message_id in (30, 10, 20, 10):
        await sandbox.send(message_id, text=f"text {message_id}")
    first = await sandbox.get("/ledger/messages?limit=2")
    assert [(item["id"], item["count"], item["text"]) for item in first["items"]] == [
        (30, 1, "text 30"),
        (10, 2, "text 10"),
    ]
    second = await sandbox.get(f"/ledger/messages?limit=2&after={first['next']}")
    assert ([item["id"] for item in second["items"]], second["next"]) == ([20], None)
    assert second["items"][0]["phone"] == PHONE
    assert datetime.fromisoformat(second["items"][0]["accepted_at"]).utcoffset() == timedelta(0)


async def test_every_request_is_paged_in_the_order_of_arrival(sandbox: Caller) -> None:
    for message_id in (30, 10, 30):
        await sandbox.send(message_id)
    first = await sandbox.get("/ledger/requests?limit=2")
    assert [(item["id"], item["mode"], item["accepted"]) for item in first["items"]] == [
        (30, "ok", True),
        (10, "ok", True),
    ]
    second = await sandbox.get(f"/ledger/requests?limit=2&after={first['next']}")
    assert ([item["id"] for item in second["items"]], second["next"]) == ([30], None)
    assert first["items"][0]["received_at"] <= second["items"][0]["received_at"]


@pytest.mark.parametrize("query", ["after=-1", "limit=0", "limit=10001", "limit=x", "page=2"])
async def test_a_wrong_page_is_422(sandbox: Caller, query: str) -> None:
    for path in ("messages", "requests"):
        assert (await sandbox.get(f"/ledger/{path}?{query}", 422))["errors"]


async def test_sigterm_ends_it_fast_although_requests_hang() -> None:
    with running() as opened:
        async with a_caller(opened.url) as sandbox:
            await sandbox.set_faults(modes={"hang": 1, "slow_drip": 1})
            sends = [asyncio.create_task(sandbox.send(number)) for number in range(20)]
            while sum(await sandbox.counts()) < len(sends):
                pass
            began = time.monotonic()
            opened.process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(opened.process.wait, 10)
            # Answering them would take a minute.
            assert (code, time.monotonic() - began < 9) == (0, True)
            outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert all(isinstance(outcome, aiohttp.ClientError) for outcome in outcomes)


async def test_it_logs_faults_but_no_requests_phones_or_texts() -> None:
    with running() as opened:
        async with a_caller(opened.url) as sandbox:
            await sandbox.set_faults(latency_ms=3)
            await sandbox.send(1, text="a secret text")
            await sandbox.send(2, phone=79991230400, text="a secret text")
        opened.process.terminate()
        output, errors = await asyncio.to_thread(opened.process.communicate, timeout=10)
    lines = [orjson.loads(line) for line in output.splitlines()]
    assert {line["event"] for line in lines} <= {"faults set", "process stopping", "process stopped"}
    assert (lines[0]["latency_ms"], lines[0]["modes"], errors) == (3, {"ok": 1.0}, b"")
    assert b"7999" not in output
    assert b"secret" not in output


@pytest.mark.parametrize("variable", ["HERALD_SANDBOX_PORT", "HERALD_SANDBOX_CONTROL_PORT"])
async def test_a_taken_port_ends_it_with_a_line_that_names_the_variable(variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, start({variable: str(taken.getsockname()[1])}) as process:
        _, errors = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 2
    assert errors.decode().startswith(f"herald sandbox: {variable}: ")
    assert len(errors.splitlines()) == 1
