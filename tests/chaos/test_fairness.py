"""A small mailing is not held up by a big one, however fast the provider is and however much is in retries."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.books import add_clients, until
from tests.chaos.arena import PIPELINE, Arena, Place, open_arena
from tests.chaos.line import Line
from tests.chaos.row import judge, until_finished
from tests.chaos.table import ROW_SECONDS
from tests.e2e.operator import Operator
from tests.stack import Stack

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


CASES = (
    Case("ten beside 200,000, at 2,000/s", 2000),
    Case("ten beside 200,000, at 100/s", 100),
    # Not half of the requests: the breaker would stand aside, as it should, and nothing would be sent at all.
    Case("ten beside 200,000, at 2,000/s, 40 % in retries", 2000, error_rate=0.4),
    Case("ten beside 200,000, at 100/s, 40 % in retries", 100, error_rate=0.4),
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
    """Return the share of the messages tried so far whose last try failed."""
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


async def _rate(arena: Arena) -> float:
    """Let the big mailing run, and return how many requests a second are made in the end."""
    await asyncio.sleep(arena.seconds / 2)
    before = await _asked(arena)
    await asyncio.sleep(arena.seconds / 2)
    return (await _asked(arena) - before) / (arena.seconds / 2)


async def _asked(arena: Arena) -> int:
    ledger = await arena.operator.ledger()
    asked: int = ledger["accepted"] + ledger["rejected"]
    return asked


async def _send_small(arena: Arena) -> tuple[int, float]:
    """Create the small mailing, and return it and how many seconds it took until it was finished."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    mailing_id = await arena.operator.create_mailing(filter={"tags": ["small"]}, lasts=3600)

    async def finished() -> bool:
        return bool((await arena.operator.get(f"/mailings/{mailing_id}"))["status"] == "finished")

    await until(finished, 3 * DONE_WITHIN, "the small mailing is finished")
    return mailing_id, loop.time() - began
