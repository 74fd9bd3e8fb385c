"""The rate limit of requests, and the prefetch that goes with it."""

import heapq
import math
import random

import pytest

from services.dispatcher.admission.rate_limit import (
    LEASE_SECONDS,
    LEAST_SEEN,
    SLACK_SECONDS,
    RateGrant,
    RateLimit,
    make_limit,
    prefetch,
)
from tests.support.fakes import FakeClock


@pytest.mark.parametrize(
    ("concurrency", "rate", "held"),
    [
        (10, None, 60),
        (100, None, 600),
        # Results on their way to the broker are a part of it, and do not grow with the slots.
        (1000, None, 2400),
        (100, 2000.0, 600),
        # Five seconds of sending at the most: what is held here holds up everybody behind it.
        (100, 10.0, 50),
        (100, 0.1, 1),
    ],
)
def test_no_more_is_held_than_is_sent_soon(concurrency: int, rate: float | None, held: int) -> None:
    assert prefetch(concurrency, rate) == held


def a_limit(rate: float, tokens: int | None = None) -> tuple[RateLimit, FakeClock]:
    """Makes a limit with all its tokens, or so many, a window after it got them: all are free."""
    clock = FakeClock(0.0)
    limit = RateLimit(rate, clock)
    limit.lease(limit.total if tokens is None else tokens, limit.total, math.inf)
    clock.move_to(limit.window)
    return limit, clock


@pytest.mark.parametrize(("rate", "tokens", "window"), [(200, 198, 1.0), (0.5, 1, 2.0), (1.5, 1, 1 / 1.5)])
def test_a_token_is_free_again_a_window_after_its_request_ended(rate: float, tokens: int, window: float) -> None:
    limit, clock = a_limit(rate)
    start = clock()
    assert limit.available == tokens
    grants = [limit.take(1) for _ in range(tokens)]
    assert limit.available == 0
    clock.move_to(start + 0.05)
    for grant in grants:
        limit.done(grant)
    clock.move_to(start + window - 0.001)
    assert limit.available == 0
    clock.move_to(start + 0.06 + 1.006 * window)
    assert limit.available == tokens


def test_a_late_request_keeps_its_token_for_longer() -> None:
    limit, clock = a_limit(10)
    grant, start = limit.take(1), clock()
    clock.move_to(start + 0.3)
    limit.done(grant)
    # Whether the provider always takes as long is not known yet.
    clock.move_to(start + 1.29)
    assert limit.available == 9
    clock.move_to(start + 1.31)
    assert limit.available == 10


@pytest.mark.parametrize(("seconds", "late"), [(0.3, 0.0), (0.3, 0.2), (0.005, 0.2)])
def test_a_provider_that_always_takes_its_time_gets_every_request_as_much_later(seconds: float, late: float) -> None:
    limit, clock = a_limit(10)
    for _ in range(LEAST_SEEN):
        grant = limit.take(1)
        clock.move_to(clock() + seconds)
        limit.done(grant)
        clock.move_to(clock() + 2)
    start, grant = clock(), limit.take(1)
    clock.move_to(start + seconds + late)
    limit.done(grant)
    usual = max(seconds - SLACK_SECONDS, 0)
    clock.move_to(start + seconds + late - usual + 0.99)
    assert limit.available == 9
    clock.move_to(start + seconds + late - usual + 1.01)
    assert limit.available == 10


def test_a_request_that_did_not_begin_gives_its_token_back_at_once_and_an_ended_one_only_once() -> None:
    limit, _ = a_limit(10)
    grant = limit.take(1)
    limit.put_back(grant)
    limit.done(grant)
    assert (limit.available, limit.held) == (10, 10)


def test_a_message_takes_a_token_for_each_segment_and_one_larger_than_the_rate_takes_time() -> None:
    limit, clock = a_limit(4)
    assert limit.take(3).tokens == 3
    assert not limit.fits(2)
    assert limit.fits(1)
    small, clock = a_limit(2)
    limit.put_back(limit.take(1))
    assert small.fits(6)
    start = clock()
    small.done(small.take(6))
    clock.move_to(start + 2.9)
    assert small.available == 0
    clock.move_to(start + 3.1)
    assert small.available == 2


def test_while_a_provider_is_slowed_a_token_rests_for_twice_as_long() -> None:
    limit, clock = a_limit(10)
    start = clock()
    limit.done(limit.take(1), slow=True)
    clock.move_to(start + 1.9)
    assert limit.available == 9
    clock.move_to(start + 2.1)
    assert limit.available == 10


def test_nothing_begins_under_a_lease_that_has_run_out() -> None:
    limit, clock = a_limit(10)
    limit.lease(10, 10, clock())
    clock.move_to(clock() + LEASE_SECONDS - 0.1)
    assert limit.available == 10
    clock.move_to(clock() + 0.2)
    assert limit.available == 0


def test_what_is_too_much_is_given_back_once_it_is_free() -> None:
    limit, clock = a_limit(10)
    grants = [limit.take(1) for _ in range(8)]
    limit.lease(10, 4, math.inf)
    assert limit.give_back() == 8
    for grant in grants:
        limit.done(grant)
    assert limit.give_back() == 8
    clock.move_to(clock() + 1.1)
    assert limit.give_back() == 4


def test_who_has_waiting_messages_wants_everything_and_who_has_none_wants_what_is_used() -> None:
    limit, _ = a_limit(80)
    assert limit.wish(0) == (0, 1)
    for _ in range(16):
        limit.take(1)
    assert limit.wish(0) == (18, 1)
    assert limit.wish(1) == (80, 1)
    limit.take(64)
    assert not limit.fits(3)
    assert limit.wish(0) == (80, 3)


@pytest.mark.parametrize("late", [0.4, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_no_second_has_more_than_the_rate_however_late_requests_are(seed: int, late: float) -> None:
    """Requests arrive anywhere between their beginning and their end, which is long after for one in ten."""
    arrivals, seconds = arrive(seed, 0.1, late)
    assert all(last - first > 1 for first, last in zip(arrivals, arrivals[50:], strict=False))
    assert len(arrivals) >= 50 * seconds / (1 + 0.1 * late + 0.05)


@pytest.mark.parametrize("takes", [0.004, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_the_rate_is_used_where_few_requests_are_late(seed: int, takes: float) -> None:
    arrivals, seconds = arrive(seed, 0.01, 0.4, takes)
    assert all(last - first > 1 for first, last in zip(arrivals, arrivals[50:], strict=False))
    assert len(arrivals) >= 0.95 * 50 * seconds


def arrive(seed: int, share: float, late: float, takes: float = 0.004) -> tuple[list[float], float]:
    """Lists the arrivals at a provider within half a minute, and its seconds. `share` of the requests are `late`.

    A reply comes `takes` seconds after its request arrived, at the earliest.
    """
    draw = random.Random(seed)
    limit, clock = a_limit(50)
    arrivals: list[float] = []
    under_way: list[tuple[float, int, RateGrant]] = []
    moment = began = clock()
    while moment < began + 30:
        moment += 0.005
        clock.move_to(moment)
        while under_way and under_way[0][0] <= moment:
            limit.done(heapq.heappop(under_way)[2])
        while limit.fits(1):
            seconds = takes + draw.expovariate(200) + (late if draw.random() < share else 0)
            arrivals.append(moment + draw.uniform(0.002, seconds - takes + 0.002))
            heapq.heappush(under_way, (moment + seconds, len(arrivals), limit.take(1)))
    return sorted(arrivals), 30.0


def test_a_request_that_waits_for_a_connection_is_late_by_what_it_waits() -> None:
    limit, clock = a_limit(10)
    grant = limit.take(1)
    clock.move_to(clock() + 4)
    grant.begin(clock())
    clock.move_to(clock() + 0.01)
    limit.done(grant)
    clock.move_to(clock() + 0.9)
    assert limit.available == 9


def test_tokens_that_others_have_by_now_are_not_used_again_when_their_requests_end() -> None:
    limit, clock = a_limit(10)
    grants = [limit.take(1) for _ in range(8)]
    # The process stood still for so long that its tokens were given away.
    limit.lease(3, 5, math.inf)
    for grant in grants:
        limit.done(grant)
    clock.move_to(clock() + 1.1)
    assert (limit.held, limit.available) == (8, 3)
    assert (limit.give_back(), limit.available) == (3, 3)


def test_a_smaller_rate_holds_at_once() -> None:
    limit, _ = a_limit(200)
    limit.set_rate(50)
    assert limit.available == 50


def test_an_unlimited_rate_has_no_limit() -> None:
    limit = make_limit(None, FakeClock(0.0))
    assert limit.take(10**9).tokens == 0
    assert limit.fits(10**9)
    assert limit.claimable >= 10**6
