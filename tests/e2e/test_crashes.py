"""A process dies at each failpoint of the protocol, and no message is lost or sent without need."""

import asyncio
import signal
from typing import Any

import aiohttp
import asyncpg
import pytest

from shared import topology
from shared.broker import open_connection
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
    """Runs a mailing until `process` kills itself at the failpoint, and starts the process again without it."""
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
    # Only claims of the dead process were repeated, and each repeat is visible as a lost attempt.
    assert 0 < lost <= 3 * CONCURRENCY
    assert ledger["duplicates"] <= lost


async def test_an_attempt_with_a_published_retry_and_an_unpublished_result_is_recorded_as_lost(
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
    assert [(row["number"], row["outcome"]) for row in rows] == [(1, "lost"), (2, "accepted")]
    assert (await ledger_of(stack))["accepted"] == 1


async def test_a_result_published_and_not_acknowledged_is_not_sent_again(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    stack, mailing_id = await crash(make_stack, pool, "dispatcher", "dispatcher.result_published:5")
    assert await until_finished(pool, mailing_id, 90) == {"sent": CLIENTS}
    ledger = await ledger_of(stack)
    # Requests that were open at the kill are taken over; those with a published result are not.
    assert ledger["unique"] == CLIENTS
    assert ledger["duplicates"] <= (await outcomes_of(pool, mailing_id)).get("lost", 0) <= 3 * CONCURRENCY


async def test_a_reporter_that_commits_and_dies_before_the_ack_counts_once(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    stack, mailing_id = await crash(make_stack, pool, "reporter", "reporter.committed:3")
    assert await until_finished(pool, mailing_id) == {"sent": CLIENTS}
    assert await outcomes_of(pool, mailing_id) == {"accepted": CLIENTS}
    assert (await ledger_of(stack))["duplicates"] == 0


async def until_published_results_are_folded(pool: asyncpg.Pool, broker_url: str) -> int:
    """Waits until the reporter has folded all published results, and returns the number of open claims."""
    connection = await open_connection(broker_url, "test")
    counted: list[int] = []
    async with connection, connection.channel() as channel:

        async def at_rest() -> bool:
            queue = await channel.declare_queue(topology.REPORTER_RESULTS, passive=True)
            counted.append(await count_open_claims(pool))
            # The results of the batch that the reporter holds are in no queue, so the count must be stable, too.
            return not queue.declaration_result.message_count and len(counted) > 2 and len(set(counted[-3:])) == 1

        await until(at_rest, 20, "published results are folded")
    return counted[-1]


async def count_open_claims(pool: asyncpg.Pool) -> int:
    value: int = await pool.fetchval("SELECT count(*) FROM flights WHERE claimed_number > folded_number")
    return value


async def until_answers(stack: Stack, name: str) -> None:
    """Waits until a process answers its readiness probe, with any status."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:

        async def answering() -> bool:
            try:
                async with session.get(stack.process(name).probe):
                    return True
            except (aiohttp.ClientError, TimeoutError):
                return False

        await until(answering, 20, f"{name} answers")


async def test_a_stopped_dispatcher_is_taken_over_and_starts_nothing_when_it_wakes(
    make_stack: MakeStack, pool: asyncpg.Pool, broker_url: str
) -> None:
    await add_clients(pool, CLIENTS)
    stack = await make_stack(*PIPELINE, env=ENV)
    await set_faults(stack, latency_ms=50)
    mailing_id = await add_mailing(pool)

    async def under_way() -> bool:
        return (await counts_of(pool, mailing_id)).get("sent", 0) > 50

    await until(under_way, 20)
    stack.process("dispatcher").kill(signal.SIGSTOP)
    held = await until_published_results_are_folded(pool, broker_url)
    await stack.start("dispatcher-2")
    # The claims of a silent dispatcher are taken over after 15 s and the fence after these.
    await until_finished(pool, mailing_id, 60)
    stack.process("dispatcher").kill(signal.SIGCONT)
    await until_answers(stack, "dispatcher")
    # A stop waits for the requests that the process has begun.
    assert await stack.process("dispatcher").stop() == 0
    await until_published_results_are_folded(pool, broker_url)
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
    # A dead dispatcher held requests and unpublished results. Each repeat is visible as a lost attempt.
    lost = (await outcomes_of(pool, mailing_id)).get("lost", 0)
    assert ledger["duplicates"] <= lost <= (3 * CONCURRENCY if process == "dispatcher" else 0)


async def test_a_planner_that_dies_after_the_publish_doubles_nothing_at_a_slow_provider(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    await add_clients(pool, CLIENTS)
    stack = await make_stack("sandbox", "dispatcher", "reporter", env=ENV | {"HERALD_DISPATCHER_CONCURRENCY": "100"})
    # The claims of the first jobs are open while the next planner finds them unmarked.
    await set_faults(stack, latency_ms=3000)
    await stack.start("planner", env={"HERALD_FAILPOINT": "planner.jobs_published"})
    mailing_id = await add_mailing(pool)
    async with asyncio.timeout(30):
        assert await stack.process("planner").wait() == -signal.SIGKILL
    # As if another planner had the lease at once.
    await pool.execute("UPDATE mailing_work SET leased_until = now()")
    await stack.process("planner").start(env={"HERALD_FAILPOINT": ""})
    assert await until_finished(pool, mailing_id, 100) == {"sent": CLIENTS}
    ledger = await ledger_of(stack)
    assert (ledger["accepted"], ledger["duplicates"]) == (CLIENTS, 0)
    assert await outcomes_of(pool, mailing_id) == {"accepted": CLIENTS}


async def test_nobody_waits_for_a_planner_that_stands_still(make_stack: MakeStack, pool: asyncpg.Pool) -> None:
    await add_clients(pool, 40_000)
    stack = await make_stack("planner", env=ENV | {"HERALD_JOBS_HIGH_WATERMARK": "1000000"})
    mailing_ids = [await add_mailing(pool) for _ in range(8)]
    longest = 0.0
    for _ in range(12):
        # At any moment of its turns: an operator's row lock is had within the time of one statement.
        await asyncio.sleep(0.15)
        stack.process("planner").kill(signal.SIGSTOP)
        began = asyncio.get_running_loop().time()
        for mailing_id in mailing_ids:
            async with pool.acquire() as operator, operator.transaction():
                await operator.execute("SELECT 1 FROM mailings WHERE id = $1 FOR UPDATE", mailing_id)
                await operator.execute("UPDATE mailings SET updated_at = now() WHERE id = $1", mailing_id)
        longest = max(longest, asyncio.get_running_loop().time() - began)
        stack.process("planner").kill(signal.SIGCONT)
    assert longest < 3, f"an operator waited {longest:.1f} s"
    assert sum((await counts_of(pool, mailing_ids[0])).values()) > 0
