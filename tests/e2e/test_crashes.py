"""Every row of the crash table: a process dies exactly there, and nothing is lost."""

import asyncio
import signal
from typing import Any

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.consistency import check_consistency, until_finished
from tests.support.mailing_rows import add_clients, add_mailing, counts_of, outcomes_of
from tests.support.polling import until
from tests.support.stack import Stack

CLIENTS = 300
CONCURRENCY = 10
PIPELINE = ("sandbox", "planner", "dispatcher", "reporter")
ENV = {"HERALD_DISPATCHER_CONCURRENCY": str(CONCURRENCY), "HERALD_RETRY_DELAYS": "1s,2s"}

pytestmark = pytest.mark.timeout(170)


async def ledger_of(stack: Stack) -> dict[str, Any]:
    async with stack.sandbox.get("/ledger") as reply:
        ledger: dict[str, Any] = await reply.json()
        return ledger


async def set_faults(stack: Stack, **faults: Any) -> None:
    async with stack.sandbox.put("/faults", json=faults) as reply:
        assert reply.status == 200, await reply.text()


async def crash(make_stack: MakeStack, pool: asyncpg.Pool, process: str, failpoint: str) -> tuple[Stack, int]:
    """Runs a mailing until `process` has killed itself at the failpoint, and starts it again without."""
    await add_clients(pool, CLIENTS)
    others = [name for name in PIPELINE if name != process]
    stack = await make_stack(*others, env=ENV)
    await stack.start(process, env={"HERALD_FAILPOINT": failpoint})
    mailing_id = await add_mailing(pool)
    async with asyncio.timeout(30):
        assert await stack.process(process).wait() == -signal.SIGKILL
    await stack.process(process).start(env={"HERALD_FAILPOINT": ""})
    return stack, mailing_id


@pytest.mark.parametrize("failpoint", ["planner.flights_inserted", "planner.jobs_published"])
async def test_a_planner_that_dies_in_a_release_sends_nothing_twice(
    make_stack: MakeStack, pool: asyncpg.Pool, failpoint: str
) -> None:
    stack, mailing_id = await crash(make_stack, pool, "planner", failpoint)
    assert await until_finished(pool, mailing_id) == {"sent": CLIENTS}
    assert (await ledger_of(stack))["accepted"] == CLIENTS


async def test_jobs_prefetched_but_unclaimed_by_a_dead_dispatcher_are_sent_once(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    stack, mailing_id = await crash(make_stack, pool, "dispatcher", "dispatcher.unclaimed")
    assert await until_finished(pool, mailing_id) == {"sent": CLIENTS}
    assert (await ledger_of(stack))["accepted"] == CLIENTS


@pytest.mark.parametrize(
    "failpoint", ["dispatcher.claimed:40", "dispatcher.replied:40", "dispatcher.result_unpublished:3"]
)
async def test_claims_of_a_dead_dispatcher_are_taken_over_once_stale(
    make_stack: MakeStack, pool: asyncpg.Pool, failpoint: str
) -> None:
    stack, mailing_id = await crash(make_stack, pool, "dispatcher", failpoint)
    assert await until_finished(pool, mailing_id, 90) == {"sent": CLIENTS}
    ledger = await ledger_of(stack)
    lost = (await outcomes_of(pool, mailing_id))["lost"]
    assert ledger["unique"] == CLIENTS
    # What the dead process held was repeated, and every repeat can be seen: nothing else was.
    assert 0 < lost <= 3 * CONCURRENCY
    assert ledger["duplicates"] <= lost


async def test_an_attempt_whose_retry_was_published_and_result_was_not_is_recorded_as_lost(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    await add_clients(pool, 1)
    stack = await make_stack("sandbox", "planner", "reporter", env=ENV)
    await set_faults(stack, modes={"error500": 1.0})
    await stack.start("dispatcher", env={"HERALD_FAILPOINT": "dispatcher.retry_published"})
    mailing_id = await add_mailing(pool)
    assert await stack.process("dispatcher").wait() == -signal.SIGKILL
    await set_faults(stack, modes={"ok": 1.0})
    await stack.process("dispatcher").start(env={"HERALD_FAILPOINT": ""})
    assert await until_finished(pool, mailing_id) == {"sent": 1}
    rows = await pool.fetch("SELECT number, outcome FROM attempts ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "lost"), (2, "accepted")]
    assert (await ledger_of(stack))["accepted"] == 1


async def test_a_result_published_and_not_acknowledged_is_not_sent_again(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    stack, mailing_id = await crash(make_stack, pool, "dispatcher", "dispatcher.result_published:5")
    assert await until_finished(pool, mailing_id, 90) == {"sent": CLIENTS}
    ledger = await ledger_of(stack)
    # Requests that were open at the kill are taken over; those whose result was published are not.
    assert ledger["unique"] == CLIENTS
    assert ledger["duplicates"] <= (await outcomes_of(pool, mailing_id)).get("lost", 0) <= 3 * CONCURRENCY


async def test_a_reporter_that_commits_and_dies_before_the_ack_counts_once(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    stack, mailing_id = await crash(make_stack, pool, "reporter", "reporter.committed:3")
    assert await until_finished(pool, mailing_id) == {"sent": CLIENTS}
    assert await outcomes_of(pool, mailing_id) == {"accepted": CLIENTS}
    assert (await ledger_of(stack))["duplicates"] == 0


async def test_a_stopped_dispatcher_is_taken_over_and_starts_nothing_when_it_wakes(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    await add_clients(pool, CLIENTS)
    stack = await make_stack(*PIPELINE, env=ENV)
    await set_faults(stack, latency_ms=50)
    mailing_id = await add_mailing(pool)

    async def under_way() -> bool:
        return (await counts_of(pool, mailing_id)).get("sent", 0) > 50

    await until(under_way, 20)
    stack.process("dispatcher").kill(signal.SIGSTOP)
    # What it had published is folded within a second; the rest it holds.
    await asyncio.sleep(1)
    held = await pool.fetchval("SELECT count(*) FROM flights WHERE claimed_number > folded_number")
    await stack.start("dispatcher-2")
    # Past the 15 s after which its claims may be taken over, and the fence after that.
    await until_finished(pool, mailing_id, 60)
    stack.process("dispatcher").kill(signal.SIGCONT)
    await asyncio.sleep(3)
    ledger = await ledger_of(stack)
    assert ledger["unique"] == CLIENTS
    assert ledger["duplicates"] <= held <= 3 * CONCURRENCY
    await check_consistency(pool, mailing_id)
    assert await counts_of(pool, mailing_id) == {"sent": CLIENTS}


@pytest.mark.parametrize("process", ["planner", "dispatcher", "reporter"])
async def test_killing_a_process_in_mid_mailing_loses_nothing(
    make_stack: MakeStack, pool: asyncpg.Pool, process: str
) -> None:
    await add_clients(pool, 1000)
    stack = await make_stack(*PIPELINE, env=ENV)
    await set_faults(stack, latency_ms=20)
    mailing_id = await add_mailing(pool)

    async def under_way() -> bool:
        return (await counts_of(pool, mailing_id)).get("sent", 0) > 100

    await until(under_way, 20)
    await stack.process(process).restart()
    assert await until_finished(pool, mailing_id, 90) == {"sent": 1000}
    ledger = await ledger_of(stack)
    assert ledger["unique"] == 1000
    # What a dead dispatcher held: requests, and results not yet on the broker. Each repeat can be seen.
    lost = (await outcomes_of(pool, mailing_id)).get("lost", 0)
    assert ledger["duplicates"] <= lost <= (3 * CONCURRENCY if process == "dispatcher" else 0)
