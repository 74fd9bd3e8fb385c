"""The rate limit of requests, and the prefetch that goes with it."""

import asyncio

import pytest

from services.dispatcher.admission.rate_limit import RateLimit, make_limit, prefetch
from tests.support.fakes import FakeClock


@pytest.mark.parametrize(
    ("concurrency", "rate", "held"),
    [
        (100, None, 200),
        (100, 2000.0, 200),
        # Five seconds of sending at the most: what is held here holds up everybody behind it.
        (100, 10.0, 50),
        (100, 0.1, 1),
    ],
)
def test_no_more_is_held_than_is_sent_soon(concurrency: int, rate: float | None, held: int) -> None:
    assert prefetch(concurrency, rate) == held


@pytest.mark.parametrize(
    ("rate", "burst"),
    [
        # A tenth of a second of requests, or one.
        (1000, 100),
        (10, 1),
        (5, 1),
        (0.5, 1),
    ],
)
def test_the_rate_limit_has_small_steps(rate: float, burst: float) -> None:
    clock = FakeClock(0.0)
    limit = RateLimit(rate, clock)
    # Without a burst at the start, and without a larger one after a rest.
    assert limit.tokens == 0
    clock.move_to(1000.0)
    assert limit.tokens == pytest.approx(burst)


def test_tokens_given_back_are_there_again_up_to_the_burst() -> None:
    limit = RateLimit(100, FakeClock(0.0))
    limit.give_back(4)
    assert limit.tokens == pytest.approx(4)
    limit.give_back(40)
    assert limit.tokens == pytest.approx(10)


async def test_no_more_is_taken_than_the_rate() -> None:
    loop = asyncio.get_running_loop()
    limit, began, taken = RateLimit(200, loop.time), loop.time(), 0
    while loop.time() - began < 0.5:
        await limit.take(5)
        taken += 5
    # The last step may have been taken just before the end.
    assert taken <= (loop.time() - began) * 200 + 5


def test_an_unlimited_rate_has_no_limit() -> None:
    assert make_limit(None, lambda: 0.0) is None
