"""Random phones, texts and tokens pass through every process, and appear in no output."""

import asyncio
import json
import random
import re
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp.test_utils import TestServer

from shared import topology
from shared.broker import Outgoing, Publisher
from shared.health import Health
from tests.conftest import MakeStack
from tests.support import echo_provider
from tests.support.operator import Operator
from tests.support.stack import ADMIN_TOKEN, SECRET, Stack

ENV = {"HERALD_RETRY_DELAYS": "1s", "HERALD_MAX_ATTEMPTS": "2", "HERALD_LOG_LEVEL": "debug"}
# Texts are compared by fragments of this length, since a part of a text is a leak, too.
FRAGMENT_LENGTH = 12
# Control characters, except the line feed that ends a line, and marks that change the direction of writing.
DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

pytestmark = pytest.mark.timeout(150)


class Values:
    """Makes random values and records them. The same seed makes the same values."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.phones: set[str] = set()
        self.texts: set[str] = set()
        self.tokens: set[str] = set()

    def phone(self) -> str:
        # The last four digits choose no fault of the sandbox.
        phone = f"7{self._random.randrange(10**6):06}{self._random.randrange(1000, 10_000)}"
        self.phones.add(phone)
        return phone

    def text(self, lines: str = "\n") -> str:
        words = [self._word(string.ascii_letters + "абвгдежзий") for _ in range(self._random.randrange(3, 9))]
        text = "".join(word + self._random.choice(f" {lines}!\"\\/'%{{}}<&") for word in words)
        self.texts.add(text)
        return text

    def token(self) -> str:
        token = self._word(string.ascii_letters + string.digits + "._-", 40)
        self.tokens.add(token)
        return token

    def hostile(self) -> str:
        """Makes a text that forges log lines and controls a terminal, with a phone, a token and a text in it."""
        return f'\r\n{{"event": "forged"}}\r\n\x1b[2J\x9b31m\u202e{self.phone()}\x00 {self.token()} {self.text()}'

    def _word(self, letters: str, length: int = FRAGMENT_LENGTH) -> str:
        return "".join(self._random.choice(letters) for _ in range(length))


async def ask(stack: Stack, method: str, path: str, **how: Any) -> int:
    async with stack.api.request(method, f"/api/v1{path}", **how) as reply:
        await reply.read()
        return reply.status


async def ask_wrongly(stack: Stack, values: Values) -> None:
    """Sends requests with values in fields, paths and headers where they do not belong."""
    csv = f"phone,tag\n{values.phone()},{values.hostile()}\n{values.text()}"
    ndjson = json.dumps({"phone": values.hostile()})
    json_type = {"Content-Type": "application/json"}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/clients", {"json": {"phone": values.hostile()}}),
        ("POST", "/clients", {"json": {values.hostile(): values.hostile(), "phone": values.phone()}}),
        ("POST", "/clients", {"json": {"phone": values.phone(), "timezone": values.text()}}),
        ("POST", "/clients", {"data": values.hostile().encode(), "headers": json_type}),
        ("POST", "/mailings", {"json": {"text": values.text(), "end_at": values.hostile(), "filter": {}}}),
        ("POST", "/mailings", {"json": {"text": values.text(), "filter": {"tags": [values.hostile()]}}}),
        ("POST", "/mailings/preview", {"json": {"text": values.text(), "window": values.hostile()}}),
        ("POST", "/clients/import", {"data": csv.encode(), "headers": {"Content-Type": "text/csv"}}),
        ("POST", "/clients/import", {"data": ndjson.encode(), "headers": {"Content-Type": "application/x-ndjson"}}),
        ("GET", "/clients", {"params": {"phone": values.phone()}}),
        ("GET", "/clients", {"params": {values.phone(): values.token(), "tag": values.text()}}),
        ("GET", f"/clients/{values.phone()}", {}),
        ("GET", f"/{values.token()}/{values.phone()}", {}),
        ("GET", "/clients", {"headers": {"X-Request-ID": values.phone()}}),
        ("GET", "/clients", {"headers": {"X-Forwarded-For": values.phone(), "Cookie": values.token()}}),
        ("GET", "/clients", {"headers": {"Authorization": f"Bearer {values.token()}"}}),
        ("GET", "/clients", {"headers": {"Authorization": values.token()}}),
        ("POST", "/mailings", {"json": {"text": values.text(), "filter": {}, "end_at": "2030-01-01T00:00:00Z"},
                               "headers": {"Idempotency-Key": values.token()}}),
    ]  # fmt: skip
    for method, path, how in requests:
        assert await ask(stack, method, path, **how) < 500, (method, path)
    _, writer = await asyncio.open_connection("127.0.0.1", stack.api_port)
    writer.write(f"GET /{values.phone()} {values.token()}\r\nX: \x01{values.text()}\r\n\r\n".encode())
    await writer.drain()
    writer.close()


async def break_from_within(stack: Stack, values: Values, pool: asyncpg.Pool) -> None:
    """Makes the database refuse rows, which its error messages quote."""
    await pool.execute("ALTER TABLE clients ADD CONSTRAINT refused CHECK (tag NOT LIKE 'refused%')")
    for method, path in (("POST", "/clients"), ("PATCH", "/clients/1")):
        body = {"phone": values.phone(), "tag": f"refused {values.phone()}"}
        assert await ask(stack, method, path, json=body) == 500


async def publish_nonsense(broker_url: str, values: Values) -> None:
    routes = [
        (topology.JOBS, topology.SEND_KEY),
        (topology.RESULTS, topology.RESULT_KEY),
        (topology.MAILINGS, "mailing.created"),
    ]
    async with Publisher(broker_url, "nonsense", Health(), None) as publisher:
        for exchange, key in routes:
            for body in (
                values.hostile().encode(),
                json.dumps({"version": 1, values.phone(): values.text()}).encode(),
                json.dumps({"version": 1, "message_id": values.hostile(), "results": values.phone()}).encode(),
            ):
                await publisher.publish(Outgoing(exchange, key, body))


async def send_to_sandbox(stack: Stack, values: Values) -> None:
    for number in range(5):
        body = {"id": number, "phone": int(values.phone()), "text": values.text()}
        headers = {"Authorization": f"Bearer {values.token()}"}
        async with stack.sandbox.post(f"/v1/send/{values.phone()}", json=body, headers=headers) as reply:
            assert reply.status in {400, 401}
        async with stack.sandbox.put("/faults", json={values.phone(): values.hostile()}) as reply:
            assert reply.status == 422


def fragments(text: str) -> set[str]:
    return {text[start : start + FRAGMENT_LENGTH] for start in range(len(text) - FRAGMENT_LENGTH + 1)}


def check_output(name: str, output: str, values: Values) -> None:
    """Checks that the output of a process consists of JSON lines, and holds none of the values."""
    assert not DANGEROUS.search(output), name
    for line in output.splitlines():
        assert json.loads(line)["event"] != "forged", name
    text = output + json.dumps([json.loads(line) for line in output.splitlines()], ensure_ascii=False)
    digits = re.sub(r"[ ().+-]", "", text)
    for phone in values.phones:
        assert phone not in text, (name, phone)
        assert phone[1:] not in digits, (name, phone)
    for token in (*values.tokens, ADMIN_TOKEN, SECRET):
        assert token not in text, (name, token)
    found = {part for sent in values.texts for part in fragments(sent) if part in text}
    assert not found, name


async def test_phones_texts_and_tokens_appear_in_no_output(
    make_stack: MakeStack, pool: asyncpg.Pool, broker_url: str
) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    values = Values(seed)
    provider_token = f"eyJhbGciOiJIUzI1NiJ9.{values.token().replace('.', '-')}.{values.token().replace('.', '-')}"
    values.tokens.add(provider_token)
    async with TestServer(echo_provider.app()) as provider:
        env = {"HERALD_PROVIDER_URL": str(provider.make_url("/v1")), "HERALD_PROVIDER_TOKEN": provider_token}
        stack = await make_stack(env=ENV | env)
        operator = Operator(stack)
        lines = [f"{values.phone()},900,{values.token()},Europe/Moscow" for _ in range(40)]
        assert (await operator.import_csv(*lines))["created"] == 40
        ends_at = datetime.now(UTC) + timedelta(seconds=12)
        mailing_ids = [
            (await operator.post("/mailings", {"text": values.text(), "filter": {}, "end_at": ends_at.isoformat()},
                                 status=201))["id"]
            for _ in range(2)
        ]  # fmt: skip
        await ask_wrongly(stack, values)
        await operator.patch(f"/mailings/{mailing_ids[0]}", {"text": values.text()})
        await operator.patch("/clients/1", {"phone": values.phone(), "tag": values.token()})
        await publish_nonsense(broker_url, values)
        await send_to_sandbox(stack, values)
        for mailing_id in mailing_ids:
            await operator.until_status(mailing_id, "finished", 60)
        await break_from_within(stack, values, pool)
        outputs = {}
        for name in stack.pids():
            process = stack.process(name)
            await process.stop()
            outputs[name] = process.text()
    assert len(outputs) == 5
    for name, output in outputs.items():
        assert "process stopped" in output, name
        check_output(name, output, values)
    # The echo of the provider is scrubbed before it is stored, too.
    stored = await pool.fetch("SELECT detail FROM attempts UNION ALL SELECT reason FROM messages")
    assert len(stored) > 40
    kept = "\n".join(row["detail"] or "" for row in stored)
    assert [phone for phone in values.phones if phone in kept] == []
    assert {part for text in values.texts for part in fragments(text) if part in kept} == set()
    # The test is only valid if the lines that could hold a secret were written.
    written = "".join(outputs.values())
    for event in ("attempt ended", "body unreadable", "request failed", "token refused", "clients stored"):
        assert event in written, event
