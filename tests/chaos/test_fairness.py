"""A small mailing is not held up by a big one, however fast the provider is and however much is in retries."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.chaos.arena import PIPELINE, Arena, Place, open_arena
from tests.chaos.line import Line
from tests.chaos.row import judge, until_finished
from tests.chaos.table import ROW_SECONDS
from tests.support.mailing_rows import add_clients
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(ROW_SECONDS)]

BIG, SMALL = 200_000, 10
DONE_WITHIN = 20.0
# Long enough for the planner to have as much in flight as it ever has: 8 s of sending.
UNDER_WAY_SECONDS = 20
# The breaker must have seen enough to tell some failures from many.
HEALTHY_SECONDS = 3


@dataclass(frozen=True)
class Case:
    name: str
    rate: int
    error_rate: float = 0.0
    # Have half of the big mailing in retries, all of them due at once.
    half: bool = False


CASES = (
    Case("ten beside 200,000, at 2,000/s", 2000),
    Case("ten beside 200,000, at 100/s", 100),
    # Not half of the requests: the breaker would stand aside, as it should, and nothing would be sent at all.
    Case("ten beside 200,000, at 2,000/s, 40 % in retries", 2000, error_rate=0.4),
    Case("ten beside 200,000, at 100/s, 40 % in retries", 100, error_rate=0.4),
    Case("ten beside 200,000, at 2,000/s, half due again", 2000, half=True),
    Case("ten beside 200,000, at 100/s, half due again", 100, half=True),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name.replace(" ", "-")) for case in CASES])
async def test_a_small_mailing_is_done_at_once_beside_a_big_one(
    place: Place, show: Callable[[Stack], None], tell: Callable[[Line], None], case: Case
) -> None:
    env = {
        "HERALD_PROVIDER_RATE": str(case.rate),
        "HERALD_JOBS_HIGH_WATERMARK": "5000",
        "HERALD_DISPATCHER_CONCURRENCY": "100",
        "HERALD_RETRY_DELAYS": "5s,30s,2m,10m,30m",
    }
    processes: dict[str, dict[str, str]] = {name: {} for name in ("api", *PIPELINE)}
    async with open_arena(place, frozenset(), env, processes, show) as (stack, pool):
        arena = Arena(case.name, stack, pool, Operator(stack), place, UNDER_WAY_SECONDS, case.rate)
        await arena.operator.set_faults(latency_ms=20)
        big = await _begin_big(arena)
        await asyncio.sleep(HEALTHY_SECONDS)
        await arena.operator.set_faults(latency_ms=20, error_rate=case.error_rate)
        if case.half:
            await _put_into_retries(arena, big, BIG // 2)
        rate = await _rate(arena)
        arena.notes.append(f"{await _share_retrying(arena):.0%} in retries")
        # From here on nothing fails but what is in retries already: the small mailing is not to need any.
        await arena.operator.set_faults(latency_ms=20)
        small, seconds = await _send_small(arena)
        await arena.operator.post(f"/mailings/{big}/cancel")
        await until_finished(arena)
        arena.notes.append(f"done in {seconds:.1f} s, beside {rate:.0f}/s")
        if seconds > DONE_WITHIN:
            arena.broken.append(f"fairness: the small mailing took {seconds:.1f} s")
        line = await judge(arena, {small})
    tell(line)


async def _share_retrying(arena: Arena) -> float:
    """Returns the share of the messages tried so far whose last try failed."""
    value: float = await arena.pool.fetchval(
        "SELECT sum(retrying)::float8 / greatest(sum(retrying + sent), 1) FROM mailing_counts"
    )
    return value


async def _begin_big(arena: Arena) -> int:
    await add_clients(arena.pool, BIG, tag="big")
    await add_clients(arena.pool, SMALL, tag="small", first=10_000_000)
    mailing_id = await arena.operator.create_mailing(filter={"tags": ["big"]}, lasts=3600)
    await arena.operator.until_counts_begin(mailing_id)
    return mailing_id


async def _put_into_retries(arena: Arena, mailing_id: int, count: int) -> None:
    """Have the last messages of a mailing failed once and due again, as an outage would leave them."""

    async def expanded() -> bool:
        done = "SELECT expansion_done FROM mailing_work WHERE mailing_id = $1"
        return bool(await arena.pool.fetchval(done, mailing_id))

    await until(expanded, 60, "the audience is frozen")
    await arena.pool.execute(
        """
        WITH chosen AS (
            UPDATE messages SET status = 'retrying', attempts = 1 WHERE id IN (
                SELECT id FROM messages WHERE mailing_id = $1 AND status = 'pending' ORDER BY id DESC LIMIT $2
            )
            RETURNING id, mailing_id, client_id
        ), flown AS (
            INSERT INTO flights (message_id, mailing_id, client_id, claimed_number, folded_number, failures)
            SELECT id, mailing_id, client_id, 1, 1, 1 FROM chosen
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


async def _rate(arena: Arena) -> float:
    """Lets the big mailing run, and returns how many requests a second are made in the end."""
    await asyncio.sleep(arena.seconds / 2)
    before = await _asked(arena)
    await asyncio.sleep(arena.seconds / 2)
    return (await _asked(arena) - before) / (arena.seconds / 2)


async def _asked(arena: Arena) -> int:
    ledger = await arena.operator.ledger()
    asked: int = ledger["accepted"] + ledger["rejected"]
    return asked


async def _send_small(arena: Arena) -> tuple[int, float]:
    """Creates the small mailing, and returns it and how many seconds it took until it was finished."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    mailing_id = await arena.operator.create_mailing(filter={"tags": ["small"]}, lasts=3600)

    async def finished() -> bool:
        return bool((await arena.operator.get(f"/mailings/{mailing_id}"))["status"] == "finished")

    await until(finished, 3 * DONE_WITHIN, "the small mailing is finished")
    return mailing_id, loop.time() - began
