"""Token buckets: a burst, then the rate, in bounded memory."""

import pytest

from services.api.access.token_bucket import Allowance, RatePolicy, TokenBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_is_allowed_and_then_the_rate(clock: Clock) -> None:
    buckets = TokenBuckets(RatePolicy(rate=2, burst=4), clock=clock)
    assert [buckets.take("a") for _ in range(5)] == [
        Allowance(limit=4, remaining=3, reset=1, retry_after=None),
        Allowance(limit=4, remaining=2, reset=1, retry_after=None),
        Allowance(limit=4, remaining=1, reset=2, retry_after=None),
        Allowance(limit=4, remaining=0, reset=2, retry_after=None),
        Allowance(limit=4, remaining=0, reset=2, retry_after=1),
    ]
    clock.now += 0.5
    assert [buckets.take("a").retry_after for _ in range(2)] == [None, 1]
    clock.now += 100
    assert buckets.take("a").remaining == 3


def test_a_refused_request_takes_nothing(clock: Clock) -> None:
    buckets = TokenBuckets(RatePolicy(rate=1 / 3, burst=20), clock=clock)
    for _ in range(20):
        assert buckets.take("a").retry_after is None
    for _ in range(1000):
        assert buckets.take("a").retry_after == 3
    clock.now += 3.001
    assert buckets.take("a").retry_after is None


def test_keys_do_not_meet(clock: Clock) -> None:
    buckets = TokenBuckets(RatePolicy(rate=1, burst=1), clock=clock)
    assert buckets.take("a").retry_after is None
    assert buckets.take("b").retry_after is None
    assert buckets.take("a").retry_after == 1


def test_a_steady_caller_at_the_rate_is_never_refused(clock: Clock) -> None:
    buckets = TokenBuckets(RatePolicy(rate=10, burst=1), clock=clock)
    for _ in range(1000):
        assert buckets.take("a").retry_after is None
        clock.now += 0.1001


def test_memory_is_bounded(clock: Clock) -> None:
    buckets = TokenBuckets(RatePolicy(rate=1, burst=2), most_keys=100, clock=clock)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 100
    # The newest are remembered.
    assert buckets.take("999").remaining == 0
    # Those that are full again need no keeping.
    clock.now += 10
    for number in range(101):
        buckets.take(f"new {number}")
        clock.now += 1
    assert len(buckets) <= 100
