"""Failed messages are sent again by a resend, or by the replay of their dead letters."""

import re

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.consistency import check_consistency
from tests.support.herald_command import herald
from tests.support.operator import Operator
from tests.support.stack import ADMIN_TOKEN, ALL, Stack

ENV = {"HERALD_RETRY_DELAYS": "1s", "HERALD_MAX_ATTEMPTS": "2"}
# Two attempts each: fewer than the twenty calls that the breaker needs to open.
FAILING = 8

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
async def stack(make_stack: MakeStack) -> Stack:
    return await make_stack(*ALL, env=ENV)


@pytest.fixture
async def operator(stack: Stack) -> Operator:
    return Operator(stack)


async def exhaust(operator: Operator, **mailing: float) -> int:
    """Runs a mailing whose messages are all exhausted, and then heals the provider."""
    await operator.import_numbered(FAILING)
    await operator.set_faults(modes={"error500": 1.0})
    mailing_id = await operator.create_mailing(**mailing)
    assert await operator.until_status(mailing_id, "finished") == {"exhausted": FAILING}
    await operator.set_faults(modes={"ok": 1.0})
    return mailing_id


async def test_a_resend_sends_what_failed_under_the_same_ids(
    operator: Operator, stack: Stack, pool: asyncpg.Pool
) -> None:
    mailing_id = await exhaust(operator)
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    asked = await herald("mailings", "resend", str(mailing_id), env=env)
    assert (asked.code, asked.out) == (0, f"{FAILING} messages are sent again\n")
    assert await operator.until_status(mailing_id, "finished") == {"sent": FAILING}
    ledger = await operator.ledger()
    assert (ledger["unique"], ledger["duplicates"]) == (FAILING, 0)
    (first, *_) = await operator.messages(mailing_id)
    attempts = (await operator.get(f"/messages/{first['id']}"))["attempts"]
    assert [(one["number"], one["outcome"]) for one in attempts] == [
        (1, "server_error"),
        (2, "server_error"),
        (3, "accepted"),
    ]
    statistics = await operator.get(f"/mailings/{mailing_id}/statistics")
    assert statistics["reasons"] == []
    await check_consistency(pool, mailing_id)


async def test_dead_letters_are_listed_replayed_and_dropped_from_the_command_line(
    operator: Operator, stack: Stack, pool: asyncpg.Pool
) -> None:
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    mailing_id = await exhaust(operator)
    listed = await herald("dead-letters", "list", env=env)
    ids = re.findall(r"[0-9a-f]{16}", listed.out)
    assert len(ids) == FAILING, listed.err
    assert "exhausted: HTTP 500" in listed.out

    replayed = await herald("dead-letters", "replay", *ids[:2], env=env)
    assert (replayed.code, replayed.out) == (0, "2 dead letters replayed, 0 refused\n")
    assert await operator.until_status(mailing_id, "finished") == {"sent": 2, "exhausted": FAILING - 2}
    replayed = await herald("dead-letters", "replay", "--all", env=env)
    assert (replayed.code, replayed.out) == (0, f"{FAILING - 2} dead letters replayed, 0 refused\n")
    assert await operator.until_status(mailing_id, "finished") == {"sent": FAILING}
    assert "no dead letters" in (await herald("dead-letters", "list", env=env)).err
    assert (await operator.ledger())["duplicates"] == 0
    await check_consistency(pool, mailing_id)


async def test_a_dead_letter_past_its_deadline_stays_and_its_reason_is_shown(
    operator: Operator, stack: Stack, pool: asyncpg.Pool
) -> None:
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    await exhaust(operator)
    await pool.execute("UPDATE mailings SET end_at = now()")
    refused = await herald("dead-letters", "replay", "--all", env=env)
    assert refused.code == 1
    assert "the mailing's deadline has passed" in refused.out
    kept = await herald("dead-letters", "list", "--queue", "dispatcher.dead", env=env)
    assert kept.out.count("exhausted") == FAILING
    unclear = await herald("dead-letters", "drop", env=env)
    assert (unclear.code, "give either ids, or --all" in unclear.err) == (2, True)
    dropped = await herald("dead-letters", "drop", "--all", "--yes", env=env)
    assert (dropped.code, dropped.out) == (0, f"{FAILING} dead letters dropped\n")
