"""The number of messages in flight follows the rate of sending."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.flow_control import LEAST, LONGEST_PAUSE, SHORTEST_PAUSE, FlowControl

HIGHEST = 5000


def a_flow_control(*seen: tuple[float, int]) -> FlowControl:
    control = FlowControl(HIGHEST)
    for moment, results in seen:
        control.observe(moment, results)
    return control


@pytest.mark.parametrize(
    ("seen", "rate", "target"),
    [
        # Nothing is known yet, or nothing was folded.
        ([], 0, LEAST),
        ([(0, 1_000_000)], 0, LEAST),
        ([(0, 70), (10, 70)], 0, LEAST),
        # 8 s of sending, between the least and the highest.
        ([(0, 0), (10, 100)], 10, LEAST),
        ([(0, 0), (10, 1000)], 100, 800),
        ([(0, 5000), (5, 6000)], 200, 1600),
        ([(0, 0), (10, 10_000)], 1000, HIGHEST),
        # Two observations within a second are too close for an extrapolation.
        ([(0, 0), (0.01, 100)], 100, 800),
        ([(5, 0), (5, 100)], 100, 800),
        # Only the last 10 s count: the burst of before is forgotten.
        ([(0, 0), (1, 90_000), (2, 90_000), (12, 90_100)], 10, LEAST),
        # A planner that looks seldom measures from its look before.
        ([(0, 0), (60, 6000)], 100, 800),
        # A database that was emptied does not make the rate negative for the target.
        ([(0, 1000), (10, 0)], -100, LEAST),
    ],
)
def test_the_target_follows_the_rate(seen: list[tuple[float, int]], rate: float, target: int) -> None:
    control = a_flow_control(*seen)
    assert control.rate == pytest.approx(rate)
    assert control.target == target


@pytest.mark.parametrize(
    ("claimed", "target"), [(0, LEAST), (300, 300 + LEAST), (1000, 1000 + LEAST), (HIGHEST, HIGHEST)]
)
def test_a_slow_provider_leaves_enough_in_flight_for_every_slot(claimed: int, target: int) -> None:
    # 30 s a request with 1000 slots: 33 results a second, of which 8 s are 267.
    control = FlowControl(HIGHEST)
    control.observe(0, 0)
    control.observe(10, 33, claimed)
    assert control.target == target


@settings(deadline=None)
@given(
    st.integers(LEAST, 1_000_000),
    st.lists(st.tuples(st.floats(0, 60), st.integers(0, 1_000_000)), max_size=40),
)
def test_the_target_stays_within_its_bounds(highest: int, steps: list[tuple[float, int]]) -> None:
    control, moment, results = FlowControl(highest), 0.0, 0
    for pause, folded in steps:
        moment, results = moment + pause, results + folded
        control.observe(moment, results)
        assert LEAST <= control.target <= highest


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(20, 200))
def test_a_steady_rate_is_measured_exactly(rate: int, looks: int) -> None:
    control = a_flow_control(*((look / 2, rate * look // 2) for look in range(0, 2 * looks, 2)))
    assert control.rate == pytest.approx(rate)


def test_memory_does_not_grow_with_time() -> None:
    control = a_flow_control(*((look / 20, look) for look in range(10_000)))
    assert len(control._rate._seen) <= 10 * 20 + 2


@pytest.mark.parametrize(
    ("seen", "missing", "pause"),
    [
        # At the beginning, and with little in flight, every look counts.
        ([], 100, SHORTEST_PAUSE),
        ([(0, 0), (10, 100)], 100, SHORTEST_PAUSE),
        # 500 a second: there is room in a fifth of a second, in the next moment, or not for long.
        ([(0, 0), (10, 5000)], 100, 0.2),
        ([(0, 0), (10, 5000)], -3, SHORTEST_PAUSE),
        ([(0, 0), (10, 5000)], 2000, LONGEST_PAUSE),
    ],
)
def test_it_looks_again_when_there_may_be_room(seen: list[tuple[float, int]], missing: int, pause: float) -> None:
    assert a_flow_control(*seen).pause(missing) == pytest.approx(pause)
