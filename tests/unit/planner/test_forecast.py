"""The forecast of messages that will miss their mailing's end at the present rate."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.forecast import MailingLoad, messages_at_risk


@pytest.mark.parametrize(
    ("loads", "rate", "at_risk"),
    [
        ([], 10.0, 0),
        # Just enough time, and a second too little.
        ([(100, 10)], 10.0, 0),
        ([(100, 9)], 10.0, 10),
        # Nothing is sent: everything that may be sent now is at risk, and what may not be is no matter.
        ([(100, 3600)], 0.0, 100),
        ([(0, 3600)], 0.0, 0),
        # The end has come already.
        ([(100, -5)], 10.0, 100),
        # Shared evenly: 5 a second each, until the small one is done after 2 s; the other has 90 left for 8 s.
        ([(10, 60), (100, 10)], 10.0, 10),
        # The mailing that ends leaves its share to the other: 10 + 90.
        ([(1000, 2), (100, 11)], 10.0, 990),
        ([(1000, 2), (101, 11)], 10.0, 991),
        ([(0, 1), (100, 10), (0, 1)], 10.0, 0),
    ],
)
def test_what_is_left_over_at_its_mailings_end_is_at_risk(
    loads: list[tuple[int, float]], rate: float, at_risk: int
) -> None:
    assert sum(messages_at_risk([MailingLoad(*load) for load in loads], rate)) == at_risk


LOADS = st.lists(st.builds(MailingLoad, st.integers(0, 10_000), st.floats(0, 100_000)), max_size=20)


@given(LOADS, st.floats(0, 10_000))
def test_never_more_than_there_are_and_all_of_them_at_a_standstill(loads: Sequence[MailingLoad], rate: float) -> None:
    total = sum(load.ready for load in loads)
    assert 0 <= sum(messages_at_risk(loads, rate)) <= total
    assert messages_at_risk(loads, 0.0) == [load.ready for load in loads]


@given(LOADS)
def test_nothing_is_at_risk_at_a_rate_that_does_all_before_the_first_end(loads: Sequence[MailingLoad]) -> None:
    total = sum(load.ready for load in loads)
    first = min((load.seconds_left for load in loads if load.ready), default=1.0)
    if first > 1:
        assert not any(messages_at_risk(loads, total / first * 1.01 + 1))
