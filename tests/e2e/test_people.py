"""Personal texts and the stop list end to end: real processes, a real broker, a real database and real HTTP."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.conftest import MakeStack
from tests.support.consistency import check_consistency
from tests.support.operator import Operator
from tests.support.stack import ADMIN_TOKEN, ALL, Stack

PEOPLE, NAMELESS = 10_000, 37
ENV = {"HERALD_PROVIDER_RATE": "1500", "HERALD_STOP_LIST_KEY": "a key of at least sixteen"}

TEXT = "Hello, {{name}}!"

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def stack(make_stack: MakeStack) -> Stack:
    return await make_stack(*ALL, env=ENV)


@pytest.fixture
async def operator(stack: Stack) -> Operator:
    return Operator(stack)


async def import_people(stack: Stack) -> None:
    """Imports people of whom the first lack a name."""
    # The last four digits choose no fault of the sandbox.
    people: list[dict[str, Any]] = [{"phone": f"79{i // 9000:05}{1000 + i % 9000}"} for i in range(PEOPLE)]
    for place, one in enumerate(people):
        one["attributes"] = {} if place < NAMELESS else {"name": f"Anna{place}"}
    body = "\n".join(json.dumps(one) for one in people).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    async with stack.api.post("/api/v1/clients/import", data=body, headers=headers) as reply:
        assert (await reply.json())["created"] == PEOPLE


async def herald(stack: Stack, *words: str, code: int = 0) -> str:
    """Runs a command in this process, which saves the start of another."""
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN, "COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    done = await asyncio.to_thread(CliRunner().invoke, app, words, env=env)
    assert done.exit_code == code, done.output
    return done.output


async def test_edits_and_opt_outs_reach_a_personal_mailing_while_it_is_sent(
    stack: Stack, operator: Operator, pool: asyncpg.Pool
) -> None:
    await import_people(stack)
    body = {"text": TEXT, "filter": {}, "end_at": (datetime.now(UTC) + timedelta(minutes=10)).isoformat()}
    refused = await operator.post("/mailings", body, status=409)
    assert [(one["name"], one["missing"]) for one in refused["missing_values"]] == [("name", NAMELESS)]
    said = await herald(stack, "mailings", "create", "--text", TEXT, "--end-at", "+10m", "--yes", code=1)
    assert "37 lack name. Nothing was stored" in said
    options = ("--text", TEXT, "--end-at", "+10m", "--on-missing", "skip", "--yes", "--json")
    mailing_id = json.loads(await herald(stack, "mailings", "create", *options))["id"]
    await operator.until_counts_begin(mailing_id)
    last, before_last = (row["id"] for row in await pool.fetch("SELECT id FROM clients ORDER BY id DESC LIMIT 2"))
    await operator.patch(f"/clients/{last}", {"attributes": {"name": "{{city}}"}})
    phone = (await operator.get(f"/clients/{before_last}"))["phone"]
    await operator.post("/suppressions", {"phone": phone}, status=201)
    expected = {"sent": PEOPLE - NAMELESS - 1, "rejected": NAMELESS, "cancelled": 1}
    assert await operator.until_status(mailing_id, "finished", 120) == expected
    ledger = await operator.ledger()
    assert (ledger["accepted"], ledger["unique"], ledger["rejected"]) == (expected["sent"], expected["sent"], 0)
    statistics = await operator.get(f"/mailings/{mailing_id}/statistics")
    assert {(one["status"], one["reason"], one["count"]) for one in statistics["reasons"]} == {
        ("rejected", "no value: name", NAMELESS),
        ("cancelled", "opted out", 1),
    }
    await check_consistency(pool, mailing_id)
    edited = await pool.fetchval("SELECT id FROM messages WHERE client_id = $1", last)
    assert [request["text"] for request in await operator.ledger(edited)] == ["Hello, {{city}}!"]
    # The data are mended, and the rest is sent; who is on the stop list stays cancelled.
    await pool.execute("""UPDATE clients SET attributes = '{"name": "Olga"}' WHERE attributes = '{}'""")
    resent = await operator.post(f"/mailings/{mailing_id}/resend", {"statuses": ["rejected", "cancelled"]}, status=202)
    assert resent["messages"] == NAMELESS
    await operator.until_counts(mailing_id, sent=PEOPLE - 1, cancelled=1)
    assert not any("Anna" in line for _, line in stack.logs())
