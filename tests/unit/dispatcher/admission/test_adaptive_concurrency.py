"""How many requests may run at once while the provider fails or slows down."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency

MOST = 100


class Simulation:
    """A provider that answers after `latency` seconds and fails with a probability, called as often as is allowed."""

    def __init__(self, most: int = MOST) -> None:
        self.concurrency = AdaptiveConcurrency(most)
        self.moment = 1000.0
        self._draw = Random(7)

    def run(self, seconds: float, *, latency: float = 0.05, failing: float = 0.0) -> int:
        """Returns how many calls were made."""
        made, until = 0, self.moment + seconds
        while self.moment < until:
            self.moment += latency
            for _ in range(self.concurrency.limit):
                made += 1
                self.concurrency.record(self.moment, latency, failed=self._draw.random() < failing)
        return made


def test_it_begins_at_the_most_and_stays_there_while_all_is_well() -> None:
    simulation = Simulation()
    assert simulation.concurrency.limit == MOST
    simulation.run(60, failing=0.05)
    assert simulation.concurrency.limit == MOST


@pytest.mark.parametrize(("failing", "least"), [(0.2, 0.7), (0.5, 0.4), (0.7, 0.2)])
def test_a_provider_that_fails_in_part_gets_its_share_of_the_plain_rate(failing: float, least: float) -> None:
    plain = Simulation().run(120)
    made = Simulation().run(120, failing=failing)
    assert made >= least * plain
    # It is spared, too.
    assert made <= (1.15 - failing) * plain


def test_it_falls_by_shares_and_rises_by_steps() -> None:
    simulation = Simulation()
    simulation.run(3, failing=0.9)
    assert MOST * 0.4 <= simulation.concurrency.limit <= MOST * 0.9
    simulation.run(30, failing=0.9)
    low = simulation.concurrency.limit
    assert low <= 0.15 * MOST
    simulation.run(10)
    assert low < simulation.concurrency.limit < MOST
    simulation.run(30)
    assert simulation.concurrency.limit == MOST


def test_an_overloaded_provider_gets_fewer_requests_at_once() -> None:
    simulation = Simulation()
    simulation.run(30)
    # It answers 300 calls a second, whatever the number at once.
    limits = []
    for _ in range(20):
        simulation.run(0.5, latency=max(simulation.concurrency.limit / 300, 0.05))
        limits.append(simulation.concurrency.limit)
    assert min(limits) <= 0.75 * MOST
    assert limits[-1] <= 0.75 * MOST


def test_a_provider_that_is_slower_whatever_we_do_keeps_its_requests_after_a_trial_of_seconds() -> None:
    simulation = Simulation()
    simulation.run(30)
    made = simulation.run(60, latency=0.5)
    assert simulation.concurrency.limit == MOST
    # What latency alone explains, but for a few seconds at three quarters.
    assert made >= 0.97 * MOST * 60 / 0.5


@pytest.mark.parametrize(("before", "after"), [(0.01, 0.1), (0.5, 0.9), (1.2, 0.2)])
def test_noise_and_speed_lower_nothing(before: float, after: float) -> None:
    simulation = Simulation()
    simulation.run(30, latency=before)
    simulation.run(30, latency=after)
    assert simulation.concurrency.limit == MOST


def test_a_few_failures_of_few_calls_are_no_proof() -> None:
    concurrency = AdaptiveConcurrency(MOST)
    for second in range(19):
        concurrency.record(float(second), 0.05, failed=True)
    assert concurrency.limit == MOST


def test_it_begins_anew_after_an_outage() -> None:
    simulation = Simulation()
    simulation.run(30, failing=1.0)
    assert simulation.concurrency.limit == 1
    simulation.concurrency.restart()
    assert (simulation.concurrency.limit, simulation.concurrency.failing) == (MOST, 0)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 5000),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 30), st.booleans()), max_size=400),
)
def test_it_stays_within_its_bounds(most: int, calls: list[tuple[float, float, bool]]) -> None:
    concurrency, moment = AdaptiveConcurrency(most), 0.0
    for pause, seconds, failed in calls:
        moment += pause
        concurrency.record(moment, seconds, failed=failed)
        assert 1 <= concurrency.limit <= most
