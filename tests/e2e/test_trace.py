"""The full story of one message, one client and the mailing, with one command each."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.herald_command import CommandResult, herald
from tests.support.operator import Operator
from tests.support.polling import until

ENV = {"HERALD_RETRY_DELAYS": "1s,2s", "HERALD_MAX_ATTEMPTS": "3", "HERALD_PROVIDER_TIMEOUT": "10"}
# Who is tried again, with the dispatcher killed in the middle of the second attempt; who is refused; who fails until
# the budget is spent; who may be asked again only when it is too late.
CRASHED, REFUSED, EXHAUSTED, EXPIRED = "79990001000", "79990000400", "79990000500", "79990000429"

CLAIMED_AGAIN = """
    SELECT f.claimed_number = 2 AND f.folded_number = 1 FROM flights f JOIN clients c ON c.id = f.client_id
    WHERE c.phone = $1
"""

pytestmark = pytest.mark.timeout(170)


class Tracer:
    def __init__(self, database_url: str, folder: Path) -> None:
        self._env = {"HERALD_DATABASE_URL": database_url}
        self._logs = [str(path) for path in sorted(folder.glob("*.log"))]

    async def __call__(self, kind: str, number: int, *options: str) -> CommandResult:
        return await herald("trace", f"--{kind}", str(number), *options, *self._logs, env=self._env)

    async def story(self, kind: str, number: int, *options: str) -> list[dict[str, Any]]:
        """Traces as JSON: entries in the order of time."""
        done = await self(kind, number, "--json", *options)
        assert (done.code, done.err) == (0, "")
        entries = [json.loads(line) for line in done.out.splitlines()]
        assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
        return entries


def tell(entries: list[dict[str, Any]], *fields: str) -> list[tuple[Any, ...]]:
    """Shows of each entry what happened, and some of its details, where it has them."""
    return [
        (entry["what"], *(entry["details"][name] for name in fields if name in entry["details"])) for entry in entries
    ]


def in_this_order(wanted: list[tuple[Any, ...]], told: list[tuple[Any, ...]]) -> bool:
    left = iter(told)
    return all(one in left for one in wanted)


async def run_a_mailing_with_everything(make_stack: MakeStack, pool: asyncpg.Pool) -> tuple[int, dict[str, int]]:
    """Runs it to its end. Returns its id, and the message ids by phone."""
    stack = await make_stack(env=ENV)
    operator = Operator(stack)
    await operator.set_faults(modes={"error500": 1.0}, retry_after=3600)
    await operator.import_csv(*(f"{phone},999,vip,UTC" for phone in (CRASHED, REFUSED, EXHAUSTED, EXPIRED)))
    mailing_id = await operator.create_mailing(lasts=100, text="Your order is ready")
    await operator.until_counts(mailing_id, retrying=2, rejected=1, expired=1)
    await operator.set_faults(latency_ms=5000)

    async def asked_again() -> bool:
        return bool(await pool.fetchval(CLAIMED_AGAIN, CRASHED))

    await until(asked_again, 20, "the second request is open")
    stack.process("dispatcher").kill(signal.SIGKILL)
    await stack.process("dispatcher").wait()
    await operator.set_faults()
    await stack.process("dispatcher").start()
    ended = {"sent": 1, "rejected": 1, "exhausted": 1, "expired": 1}
    assert await operator.until_status(mailing_id, "finished", 90) == ended
    # The last lines are about what was committed before.
    await asyncio.sleep(0.5)
    rows = await pool.fetch("SELECT c.phone, m.id FROM messages m JOIN clients c ON c.id = m.client_id")
    return mailing_id, {row["phone"]: row["id"] for row in rows}


async def test_one_command_tells_the_story_of_a_message_a_client_and_a_mailing(
    make_stack: MakeStack, pool: asyncpg.Pool, database_url: str, tmp_path: Path
) -> None:
    mailing_id, message_ids = await run_a_mailing_with_everything(make_stack, pool)
    trace = Tracer(database_url, tmp_path)

    crashed = await trace.story("message", message_ids[CRASHED])
    told = tell(crashed, "verdict", "outcome", "status", "attempt")
    assert in_this_order(
        [
            ("mailing created",),
            ("mailing started",),
            ("message created",),
            ("messages released",),
            ("jobs claimed",),
            ("attempt ended", "temporary", "server_error", "retrying", 1),
            ("jobs claimed",),
            # Its dispatcher is dead: whoever asks waits until that is certain.
            ("jobs not claimed", "busy"),
            ("jobs claimed",),
            ("attempt ended", "accepted", "sent", 3),
            ("results published",),
            ("results folded",),
            ("mailing finished",),
        ],
        told,
    ), told
    assert in_this_order(
        [("attempt", "server_error", 1), ("attempt lost", "lost", 2), ("attempt", "accepted", 3)], told
    ), told
    assert ("message ended", "sent") in [one[:2] for one in told]
    # Its lines carry the request that made the mailing, from the API to the dispatcher.
    (created,) = [entry for entry in crashed if entry["what"] == "mailing created"]
    request_id = created["details"]["request_id"]
    carried = {entry["service"] for entry in crashed if entry["details"].get("request_id") == request_id}
    assert carried >= {"api", "planner", "dispatcher", "tables"}

    refused = tell(await trace.story("message", message_ids[REFUSED]), "outcome", "status", "reason")
    assert ("attempt ended", "refused", "rejected", "HTTP 400") in refused
    assert ("message ended", "rejected", "HTTP 400") in refused
    exhausted = tell(await trace.story("message", message_ids[EXHAUSTED]), "outcome", "status", "retry_in_s")
    attempts = [one for one in exhausted if one[0] == "attempt ended"]
    assert [one[2] for one in attempts] == ["retrying", "retrying", "exhausted"]
    expired = tell(await trace.story("message", message_ids[EXPIRED]), "status", "reason")
    assert ("attempt ended", "expired", "HTTP 429, retry only after the deadline") in expired
    assert ("message ended", "expired", "HTTP 429, retry only after the deadline") in expired

    client_id = await pool.fetchval("SELECT id FROM clients WHERE phone = $1", EXHAUSTED)
    client = tell(await trace.story("client", client_id), "change", "status")
    assert in_this_order([("client created",), ("message created",), ("message ended", "exhausted")], client)
    assert ("clients stored", "created") in client
    assert [one[0] for one in client].count("attempt ended") == 3

    mailing = await trace.story("mailing", mailing_id)
    whats = tell(mailing, "outcome", "verdict", "lines")
    life = [("mailing created",), ("mailing started",), ("audience frozen",), ("mailing finished",)]
    assert in_this_order(life, whats)
    (stands,) = [entry["details"] for entry in mailing if entry["what"] == "mailing stands"]
    # The kill may have met the other one that was being tried again, too.
    lost = stands["attempts"].pop("lost")
    assert stands["attempts"] == {"accepted": 1, "refused": 1, "server_error": 4, "too_many": 1}
    assert lost in {1, 2}
    # Lines about single messages are summed up, or shown each.
    assert {entry["details"].get("message_id") for entry in mailing} == {None}
    each = await trace.story("mailing", mailing_id, "--messages")
    assert {entry["details"].get("message_id") for entry in each} >= set(message_ids.values())

    for kind, number in (("message", message_ids[CRASHED]), ("client", client_id), ("mailing", mailing_id)):
        shown = await trace(kind, number)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith(f"{kind} {number}")
        for phone in message_ids:
            assert phone not in shown.out
        assert "Your order is ready" not in shown.out
