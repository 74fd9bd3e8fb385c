"""The rate limit of requests, and the prefetch that goes with it."""

import pytest

from services.dispatcher.admission.rate_limit import RateLimit, make_limit, prefetch
from tests.support.fakes import FakeClock


@pytest.mark.parametrize(
    ("concurrency", "rate", "held"),
    [
        (10, None, 40),
        (100, None, 400),
        # Results on their way to the broker are a part of it, and do not grow with the slots.
        (1000, None, 2300),
        (100, 2000.0, 400),
        # Five seconds of sending at the most: what is held here holds up everybody behind it.
        (100, 10.0, 50),
        (100, 0.1, 1),
    ],
)
def test_no_more_is_held_than_is_sent_soon(concurrency: int, rate: float | None, held: int) -> None:
    assert prefetch(concurrency, rate) == held


def a_limit(rate: float) -> tuple[RateLimit, FakeClock]:
    clock = FakeClock(0.0)
    return RateLimit(rate, clock), clock


@pytest.mark.parametrize(
    ("rate", "seconds", "requests"),
    [
        (1000, 0.05, 50),
        # A tenth of a second's requests are kept at the most, or one.
        (1000, 60, 100),
        (5, 0.1, 0),
        (5, 0.2, 1),
        (5, 60, 1),
        (0.5, 1.9, 0),
        (0.5, 2, 1),
    ],
)
def test_the_rate_limit_has_small_steps(rate: float, seconds: float, requests: int) -> None:
    limit, clock = a_limit(rate)
    assert limit.available == 0, "it starts without a burst"
    clock.move_to(seconds)
    assert limit.available == requests


def test_requests_take_tokens_and_jobs_that_are_not_sent_put_them_back() -> None:
    limit, clock = a_limit(100)
    clock.move_to(0.1)
    limit.take(10)
    assert limit.available == 0
    limit.put_back(7)
    assert limit.available == 7
    clock.move_to(0.2)
    assert limit.available == 10


def test_tokens_that_were_put_back_are_not_lost() -> None:
    limit, clock = a_limit(100)
    clock.move_to(0.1)
    limit.take(10)
    clock.move_to(0.2)
    assert limit.available == 10
    limit.put_back(10)
    assert limit.available == 20


def test_where_a_claim_takes_long_the_tokens_of_that_time_are_kept() -> None:
    limit, clock = a_limit(100)
    limit.allow_for(0.5)
    clock.move_to(60)
    assert limit.available == 50
    limit.allow_for(5)
    clock.move_to(120)
    assert limit.available == 100


def test_an_unlimited_rate_has_no_limit() -> None:
    limit = make_limit(None, FakeClock(0.0))
    limit.take(10**9)
    assert limit.available >= 10**6
