"""Small mailings are not delayed, by a big one or by each other, whatever the rate and the number of retries."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.chaos.harness.assessment import assess
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS
from tests.chaos.harness.result import ExperimentResult
from tests.chaos.harness.rig import PIPELINE, Rig, RigServices, open_rig
from tests.chaos.harness.traffic import until_finished
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(EXPERIMENT_SECONDS)]

BIG, SMALL = 200_000, 10
DONE_WITHIN = 20.0
# Long enough for the planner to reach its limit of messages in flight, which is 8 s of sending.
UNDER_WAY_SECONDS = 20
# The breaker needs some successes before it judges the share of failures.
HEALTHY_SECONDS = 3


# Mailings of few clients that start in the same second, and at which share of the plain rate they must be sent.
CROWD, CROWD_CLIENTS, CROWD_RATE = 300, 5, 100
CROWD_STARTS_IN = 600
LEAST_OF_PLAIN = 0.5
CLOSED_WITHIN = 5.0


@dataclass(frozen=True)
class Case:
    """A rate of the provider in requests a second, and how many messages of the big mailing are in retries."""

    name: str
    rate: int
    error_rate: float = 0.0
    # Half of the messages of the big mailing are in retries, and all of these are due at once.
    half: bool = False


CASES = (
    Case("ten beside 200,000, at 2,000/s", 2000),
    Case("ten beside 200,000, at 100/s", 100),
    # Less than half of the requests, since otherwise the breaker opens and nothing is sent.
    Case("ten beside 200,000, at 2,000/s, 40 % in retries", 2000, error_rate=0.4),
    Case("ten beside 200,000, at 100/s, 40 % in retries", 100, error_rate=0.4),
    Case("ten beside 200,000, at 2,000/s, half due again", 2000, half=True),
    Case("ten beside 200,000, at 100/s, half due again", 100, half=True),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name.replace(" ", "-")) for case in CASES])
async def test_a_small_mailing_is_done_at_once_beside_a_big_one(
    services: RigServices,
    show_logs: Callable[[Stack], None],
    report_result: Callable[[ExperimentResult], None],
    case: Case,
) -> None:
    env = {
        "HERALD_PROVIDER_RATE": str(case.rate),
        "HERALD_JOBS_HIGH_WATERMARK": "5000",
        "HERALD_DISPATCHER_CONCURRENCY": "100",
        "HERALD_RETRY_DELAYS": "5s,30s,2m,10m,30m",
    }
    processes: dict[str, dict[str, str]] = {name: {} for name in ("api", *PIPELINE)}
    async with open_rig(services, frozenset(), env, processes, show_logs) as (stack, pool):
        rig = Rig(case.name, stack, pool, Operator(stack), services, UNDER_WAY_SECONDS, case.rate)
        await rig.operator.set_faults(latency_ms=20)
        big = await _begin_big(rig)
        await asyncio.sleep(HEALTHY_SECONDS)
        await rig.operator.set_faults(latency_ms=20, error_rate=case.error_rate)
        if case.half:
            await _put_into_retries(rig, big, BIG // 2)
        rate = await _rate(rig)
        rig.notes.append(f"{await _retrying_share(rig):.0%} in retries")
        # From here on no request fails, so the small mailing needs no retries.
        await rig.operator.set_faults(latency_ms=20)
        small, seconds = await _send_small(rig)
        await rig.operator.post(f"/mailings/{big}/cancel")
        await until_finished(rig)
        rig.notes.append(f"done in {seconds:.1f} s, beside {rate:.0f}/s")
        if seconds > DONE_WITHIN:
            rig.violations.append(f"fairness: the small mailing took {seconds:.1f} s")
        result = await assess(rig, {small})
    report_result(result)


async def test_many_small_mailings_of_one_second_are_sent_at_the_rate_of_one(
    services: RigServices,
    show_logs: Callable[[Stack], None],
    report_result: Callable[[ExperimentResult], None],
) -> None:
    env = {"HERALD_PROVIDER_RATE": str(CROWD_RATE), "HERALD_DISPATCHER_CONCURRENCY": "50"}
    processes: dict[str, dict[str, str]] = {name: {} for name in ("api", *PIPELINE)}
    name = f"{CROWD} mailings of {CROWD_CLIENTS} in one second"
    async with open_rig(services, frozenset(), env, processes, show_logs) as (stack, pool):
        rig = Rig(name, stack, pool, Operator(stack), services, UNDER_WAY_SECONDS, CROWD_RATE)
        await rig.operator.set_faults(latency_ms=20)
        await add_clients(pool, CROWD_CLIENTS, tag="few")
        mailings = [await add_mailing(pool, tags=["few"], start_in=CROWD_STARTS_IN, lasts=3600) for _ in range(CROWD)]
        await pool.execute("UPDATE mailings SET start_at = now() + interval '1 s'")
        await until_finished(rig)
        rate, closed = await _course_of(rig)
        rig.notes.append(f"{rate:.0f}/s, finished {closed:.1f} s after the last message")
        if rate < LEAST_OF_PLAIN * CROWD_RATE:
            rig.violations.append(f"fairness: {rate:.0f}/s, where one mailing is sent at {CROWD_RATE}/s")
        if closed > CLOSED_WITHIN:
            rig.violations.append(f"fairness: a mailing was finished {closed:.1f} s after its last message")
        result = await assess(rig, set(mailings))
    report_result(result)


async def _course_of(rig: Rig) -> tuple[float, float]:
    """Returns messages a second from the start to the last, and how long the books stayed open after one at most."""
    row = await rig.pool.fetchrow(
        """
        SELECT sum(messages)::float8 / extract(epoch FROM max(last) - min(start_at))::float8 AS rate,
            max(extract(epoch FROM finished_at - last))::float8 AS closed
        FROM mailings JOIN (
            SELECT mailing_id, count(*) AS messages, max(final_at) AS last FROM messages GROUP BY 1
        ) AS sent ON mailing_id = id
        """
    )
    assert row is not None
    return row["rate"], row["closed"]


async def _retrying_share(rig: Rig) -> float:
    """Returns the share of the tried messages whose last attempt failed."""
    value: float = await rig.pool.fetchval(
        "SELECT sum(retrying)::float8 / greatest(sum(retrying + sent), 1) FROM mailing_counts"
    )
    return value


async def _begin_big(rig: Rig) -> int:
    await add_clients(rig.pool, BIG, tag="big")
    await add_clients(rig.pool, SMALL, tag="small", first=10_000_000)
    mailing_id = await rig.operator.create_mailing(filter={"tags": ["big"]}, lasts=3600)
    await rig.operator.until_counts_begin(mailing_id)
    return mailing_id


async def _put_into_retries(rig: Rig, mailing_id: int, count: int) -> None:
    """Marks the last messages of a mailing as failed once and due again, as after an outage."""

    async def expanded() -> bool:
        done = "SELECT expansion_done FROM mailing_work WHERE mailing_id = $1"
        return bool(await rig.pool.fetchval(done, mailing_id))

    await until(expanded, 60, "the audience is frozen")
    await rig.pool.execute(
        """
        -- The newest pending messages get one failed attempt.
        WITH chosen AS (
            UPDATE messages SET status = 'retrying', attempts = 1 WHERE id IN (
                SELECT id FROM messages WHERE mailing_id = $1 AND status = 'pending' ORDER BY id DESC LIMIT $2
            )
            RETURNING id, mailing_id, client_id
        -- Each gets a flight whose first claim is folded, so that it can be released again.
        ), flown AS (
            INSERT INTO flights (message_id, mailing_id, client_id, claimed_number, folded_number, failures)
            SELECT id, mailing_id, client_id, 1, 1, 1 FROM chosen
        -- The attempt itself, and its count, as the reporter would have recorded them.
        ), tried AS (
            INSERT INTO attempts (message_id, number, mailing_id, started_at, duration_ms, outcome)
            SELECT id, 1, mailing_id, now(), 5, 'server_error' FROM chosen
        ), counted AS (
            INSERT INTO outcomes (mailing_id, outcome, count) SELECT $1, 'server_error', count(*) FROM chosen
        )
        UPDATE mailing_counts SET pending = pending - $2, retrying = retrying + $2 WHERE mailing_id = $1
        """,
        mailing_id,
        count,
    )


async def _rate(rig: Rig) -> float:
    """Lets the big mailing run, and returns the requests a second in the second half of that time."""
    await asyncio.sleep(rig.seconds / 2)
    before = await _count_requests(rig)
    await asyncio.sleep(rig.seconds / 2)
    return (await _count_requests(rig) - before) / (rig.seconds / 2)


async def _count_requests(rig: Rig) -> int:
    ledger = await rig.operator.ledger()
    requests: int = ledger["accepted"] + ledger["rejected"]
    return requests


async def _send_small(rig: Rig) -> tuple[int, float]:
    """Creates the small mailing, and returns it and how many seconds it took until it was finished."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    mailing_id = await rig.operator.create_mailing(filter={"tags": ["small"]}, lasts=3600)

    async def finished() -> bool:
        return bool((await rig.operator.get(f"/mailings/{mailing_id}"))["status"] == "finished")

    await until(finished, 3 * DONE_WITHIN, "the small mailing is finished")
    return mailing_id, loop.time() - began
