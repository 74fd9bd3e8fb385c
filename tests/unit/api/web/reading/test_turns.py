"""Long work takes turns, and leaves the event loop to requests that are at work."""

import asyncio
import itertools
import time
from collections.abc import Iterator

from services.api.web.reading.turns import REST_TURNS, TURN_SECONDS, Turns


def steps(name: str, count: int, done: list[tuple[str, float]]) -> Iterator[None]:
    """Makes steps each of which takes a whole turn."""
    for _ in range(count):
        until = time.perf_counter() + TURN_SECONDS
        while time.perf_counter() < until:
            pass
        done.append((name, time.perf_counter()))
        yield


def gaps(done: list[tuple[str, float]]) -> list[float]:
    moments = [moment for _, moment in done]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


async def test_works_take_turns() -> None:
    turns, done = Turns(), list[tuple[str, float]]()
    await asyncio.gather(*(turns.run(steps(name, 3, done)) for name in "ab"))
    assert "".join(name for name, _ in done) == "ababab"


async def test_everybody_else_is_served_between_two_turns() -> None:
    turns, done, passes = Turns(), list[tuple[str, float]](), list[int]()

    async def others() -> None:
        while True:
            passes.append(len(done))
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await turns.run(steps("a", 4, done))
    task.cancel()
    assert set(passes) >= {1, 2, 3}


async def test_work_rests_while_requests_are_at_work_and_still_gets_its_part() -> None:
    turns, done = Turns(others=lambda: True), list[tuple[str, float]]()
    await turns.run(steps("a", 4, done))
    assert len(done) == 4
    assert min(gaps(done)) >= TURN_SECONDS * (1 + REST_TURNS)


async def test_work_does_not_rest_where_nobody_else_is_at_work() -> None:
    turns, done = Turns(), list[tuple[str, float]]()
    await turns.run(steps("a", 200, done))
    assert min(gaps(done)) < TURN_SECONDS * 2
