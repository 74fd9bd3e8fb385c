"""The rate limit of requests, and the prefetch that goes with it."""

import pytest

from services.dispatcher.admission.rate_limit import make_limiter, prefetch


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
    ("rate", "requests", "seconds"),
    [
        # Steps of a tenth of a second, or of one request where that is longer.
        (1000, 100, 0.1),
        (10, 1, 0.1),
        (5, 1, 0.2),
        (0.5, 1, 2),
    ],
)
async def test_the_rate_limit_has_small_steps(rate: float, requests: float, seconds: float) -> None:
    made = await make_limiter(rate)
    assert made is not None
    assert made.max_rate == pytest.approx(requests)
    assert made.time_period == pytest.approx(seconds)


async def test_the_rate_limit_starts_without_a_burst() -> None:
    made = await make_limiter(0.01)
    assert made is not None
    assert not made.has_capacity()


async def test_an_unlimited_rate_has_no_limit() -> None:
    assert await make_limiter(None) is None
