"""herald trace shows the full history of a message, a client and a mailing with one command each."""

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
# Clients whose messages are retried, with the dispatcher killed during the second attempt; refused; exhausted; and
# expired, since the provider asks for a retry after the deadline.
CRASHED, REFUSED, EXHAUSTED, EXPIRED = "79990001000", "79990000400", "79990000500", "79990000429"

CLAIMED_AGAIN = """
    SELECT f.claimed_number = 2 AND f.folded_number = 1 FROM flights f JOIN clients c ON c.id = f.client_id
    WHERE c.phone = $1
"""

pytestmark = pytest.mark.timeout(220)


class Tracer:
    """Runs `herald trace` with the database and the logs of a stack."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._env = {"HERALD_DATABASE_URL": database_url}
        self._logs = [str(path) for path in sorted(folder.glob("*.log"))]

    async def __call__(self, kind: str, number: int, *options: str) -> CommandResult:
        return await herald("trace", f"--{kind}", str(number), *options, *self._logs, env=self._env)

    async def entries(self, kind: str, number: int, *options: str) -> list[dict[str, Any]]:
        """Returns the entries of a trace, and checks that they are in order of time."""
        done = await self(kind, number, "--json", *options)
        assert (done.code, done.err) == (0, "")
        found = [json.loads(line) for line in done.out.splitlines()]
        assert [entry["at"] for entry in found] == sorted(entry["at"] for entry in found)
        return found


def summarise(entries: list[dict[str, Any]], *fields: str) -> list[tuple[Any, ...]]:
    """Returns for each entry what happened, and those of the given details that it has."""
    return [
        (entry["what"], *(entry["details"][name] for name in fields if name in entry["details"])) for entry in entries
    ]


def in_this_order(wanted: list[tuple[Any, ...]], found: list[tuple[Any, ...]]) -> bool:
    """Returns whether `found` contains all of `wanted` in their order."""
    left = iter(found)
    return all(one in left for one in wanted)


async def run_mailing_with_every_outcome(make_stack: MakeStack, pool: asyncpg.Pool) -> tuple[int, dict[str, int]]:
    """Runs a mailing until it is finished. Returns its id, and the message ids by phone."""
    stack = await make_stack(env=ENV)
    operator = Operator(stack)
    await operator.set_faults(modes={"error500": 1.0}, retry_after=3600)
    await operator.import_csv(*(f"{phone},999,vip,UTC" for phone in (CRASHED, REFUSED, EXHAUSTED, EXPIRED)))
    mailing_id = await operator.create_mailing(lasts=60, text="Your order is ready")
    await operator.until_counts(mailing_id, retrying=3, rejected=1)
    await operator.set_faults(latency_ms=5000)

    message_ids = await read_message_ids(pool)

    async def asked_again() -> bool:
        # A killed process writes no more lines.
        logged = count_claims(stack.process("dispatcher").text(), message_ids[CRASHED])
        return logged == 2 and bool(await pool.fetchval(CLAIMED_AGAIN, CRASHED))

    await until(asked_again, 20, "the second request is open")
    stack.process("dispatcher").kill(signal.SIGKILL)
    await stack.process("dispatcher").wait()
    await operator.set_faults()
    await stack.process("dispatcher").start()
    ended = {"sent": 1, "rejected": 1, "exhausted": 1, "expired": 1}
    assert await operator.until_status(mailing_id, "finished", 90) == ended

    async def logged() -> bool:
        return '"mailing finished"' in stack.process("planner").text()

    # The planner logs the end of the mailing after it has committed it.
    await until(logged, 10, "the planner has logged the end")
    return mailing_id, message_ids


async def read_message_ids(pool: asyncpg.Pool) -> dict[str, int]:
    rows = await pool.fetch("SELECT c.phone, m.id FROM messages m JOIN clients c ON c.id = m.client_id")
    return {row["phone"]: row["id"] for row in rows}


def count_claims(text: str, message_id: int) -> int:
    """Returns how many claims of a message the log of a dispatcher tells."""
    lines = (json.loads(line) for line in text.splitlines() if '"jobs claimed"' in line)
    return sum(line["message_ids"].count(message_id) for line in lines)


async def test_one_command_shows_the_history_of_a_message_a_client_or_a_mailing(
    make_stack: MakeStack, pool: asyncpg.Pool, database_url: str, tmp_path: Path
) -> None:
    mailing_id, message_ids = await run_mailing_with_every_outcome(make_stack, pool)
    client_id = await pool.fetchval("SELECT id FROM clients WHERE phone = $1", EXHAUSTED)
    trace = Tracer(database_url, tmp_path)
    await check_retried_message(trace, message_ids[CRASHED])
    await check_failed_messages(trace, message_ids)
    await check_client(trace, client_id)
    await check_mailing(trace, mailing_id, set(message_ids.values()))
    for kind, number in (("message", message_ids[CRASHED]), ("client", client_id), ("mailing", mailing_id)):
        shown = await trace(kind, number)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith(f"{kind} {number}")
        assert [phone for phone in message_ids if phone in shown.out] == []
        assert "Your order is ready" not in shown.out


async def check_retried_message(trace: Tracer, message_id: int) -> None:
    """Checks the trace of the message that was retried, and whose second attempt a crash interrupted."""
    entries = await trace.entries("message", message_id)
    summary = summarise(entries, "verdict", "outcome", "status", "attempt")
    assert in_this_order(
        [
            ("mailing created",),
            ("mailing started",),
            ("message created",),
            ("messages released",),
            ("jobs claimed",),
            ("attempt ended", "temporary", "server_error", "retrying", 1),
            ("jobs claimed",),
            # The claim of the dead dispatcher is still valid.
            ("jobs not claimed", "busy"),
            ("jobs claimed",),
            ("attempt ended", "accepted", "sent", 3),
            ("results published",),
            ("results folded",),
            ("mailing finished",),
        ],
        summary,
    ), summary
    assert in_this_order(
        [("attempt", "server_error", 1), ("attempt lost", "lost", 2), ("attempt", "accepted", 3)], summary
    ), summary
    assert ("message ended", "sent") in [one[:2] for one in summary]
    # Its lines carry the id of the request that created the mailing, from the API to the dispatcher.
    (created,) = [entry for entry in entries if entry["what"] == "mailing created"]
    request_id = created["details"]["request_id"]
    carried = {entry["service"] for entry in entries if entry["details"].get("request_id") == request_id}
    assert carried >= {"api", "planner", "dispatcher", "tables"}


async def check_failed_messages(trace: Tracer, message_ids: dict[str, int]) -> None:
    """Checks the traces of the messages that were rejected, exhausted and expired."""
    refused = summarise(await trace.entries("message", message_ids[REFUSED]), "outcome", "status", "reason")
    assert ("attempt ended", "refused", "rejected", "HTTP 400") in refused
    assert ("message ended", "rejected", "HTTP 400") in refused
    exhausted = summarise(await trace.entries("message", message_ids[EXHAUSTED]), "outcome", "status", "retry_in_s")
    attempts = [one for one in exhausted if one[0] == "attempt ended"]
    assert [one[2] for one in attempts] == ["retrying", "retrying", "exhausted"]
    expired = summarise(await trace.entries("message", message_ids[EXPIRED]), "status", "reason")
    # Its retry waits for an end that may be moved: only closing expires it.
    assert ("attempt ended", "retrying") in [one[:2] for one in expired]
    ((_, _, reason),) = [one for one in expired if one[:2] == ("message ended", "expired")]
    assert reason.startswith("deadline reached")


async def check_client(trace: Tracer, client_id: int) -> None:
    """Checks the trace of the client whose message was exhausted."""
    summary = summarise(await trace.entries("client", client_id), "change", "status")
    assert in_this_order([("client created",), ("message created",), ("message ended", "exhausted")], summary)
    assert ("clients stored", "created") in summary
    assert [one[0] for one in summary].count("attempt ended") == 3


async def check_mailing(trace: Tracer, mailing_id: int, message_ids: set[int]) -> None:
    entries = await trace.entries("mailing", mailing_id)
    summary = summarise(entries, "outcome", "verdict", "lines")
    life = [("mailing created",), ("mailing started",), ("audience frozen",), ("mailing finished",)]
    assert in_this_order(life, summary)
    (stands,) = [entry["details"] for entry in entries if entry["what"] == "mailing stands"]
    # The kill may have interrupted the retry of the other message, too.
    lost = stands["attempts"].pop("lost")
    assert stands["attempts"] == {"accepted": 1, "refused": 1, "server_error": 4, "too_many": 1}
    assert lost in {1, 2}
    # Lines about single messages are summarised, or with --messages shown each.
    assert {entry["details"].get("message_id") for entry in entries} == {None}
    each = await trace.entries("mailing", mailing_id, "--messages")
    assert {entry["details"].get("message_id") for entry in each} >= message_ids
