import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.closing import (
    CLIENT_DELETED,
    DEADLINE,
    MAILING_CANCELLED,
    OUTCOME_UNKNOWN,
    WINDOW_CLOSED,
    Cause,
    Known,
    Verdict,
    judge,
)
from services.planner.store.settling import Flight

ENDED = Cause("expired", DEADLINE)
LONG_ENDED = Cause("expired", DEADLINE, claims_due=True)
CANCELLED = Cause("cancelled", MAILING_CANCELLED)
DELETED = Cause("cancelled", CLIENT_DELETED)


def a_flight(claimed: int = 0, folded: int = 0, *, stale: bool = False, shut_out: bool = False) -> Flight:
    return Flight(claimed > folded, stale, claimed, folded, shut_out)


@pytest.mark.parametrize(
    ("flight", "cause", "verdict"),
    [
        # Never released, so nothing can be on its way.
        (None, ENDED, Verdict(1, DEADLINE, 0)),
        (None, CANCELLED, Verdict(1, MAILING_CANCELLED, 0)),
        (None, DELETED, Verdict(1, CLIENT_DELETED, 0)),
        # Released and unclaimed: the claim refuses it from now on.
        (a_flight(), ENDED, Verdict(1, DEADLINE, 0)),
        (a_flight(), CANCELLED, Verdict(1, MAILING_CANCELLED, 0)),
        # Between two attempts; those made are counted.
        (a_flight(3, 3), ENDED, Verdict(1, DEADLINE, 3)),
        (a_flight(3, 3), DELETED, Verdict(1, CLIENT_DELETED, 3)),
        # It waited for a window that did not open before the end. Who cancels does not ask for windows.
        (a_flight(shut_out=True), ENDED, Verdict(1, WINDOW_CLOSED, 0)),
        (a_flight(shut_out=True), LONG_ENDED, Verdict(1, WINDOW_CLOSED, 0)),
        (a_flight(shut_out=True), CANCELLED, Verdict(1, MAILING_CANCELLED, 0)),
        (a_flight(shut_out=True), DELETED, Verdict(1, CLIENT_DELETED, 0)),
        # An open claim is waited for, whatever the cause.
        (a_flight(1), ENDED, None),
        (a_flight(1), CANCELLED, None),
        (a_flight(1), DELETED, None),
        (a_flight(4, 3, shut_out=True), ENDED, None),
        # No result of it can come any more: the attempts without one are lost, and what they did is unknown.
        (a_flight(1, stale=True), ENDED, Verdict(1, OUTCOME_UNKNOWN, 1, (1,))),
        (a_flight(1, stale=True), CANCELLED, Verdict(1, OUTCOME_UNKNOWN, 1, (1,))),
        (a_flight(1), LONG_ENDED, Verdict(1, OUTCOME_UNKNOWN, 1, (1,))),
        (a_flight(5, 2, stale=True), DELETED, Verdict(1, OUTCOME_UNKNOWN, 5, (3, 4, 5))),
        (a_flight(5, 2), LONG_ENDED, Verdict(1, OUTCOME_UNKNOWN, 5, (3, 4, 5))),
    ],
)
def test_a_message_is_settled_when_nothing_of_it_can_be_on_its_way(
    flight: Flight | None, cause: Cause, verdict: Verdict | None
) -> None:
    held = {} if flight is None else {1: flight}
    assert judge([1], Known(held, set(held)), cause) == ([] if verdict is None else [verdict])


@pytest.mark.parametrize("cause", [ENDED, LONG_ENDED, CANCELLED, DELETED])
def test_a_message_that_is_being_claimed_is_left_alone(cause: Cause) -> None:
    assert judge([1], Known({}, {1}), cause) == []


def test_each_message_is_judged_by_itself() -> None:
    held = {2: a_flight(1), 3: a_flight(2, 2)}
    assert judge([1, 2, 3, 4], Known(held, {2, 3, 4}), ENDED) == [Verdict(1, DEADLINE, 0), Verdict(3, DEADLINE, 2)]


@pytest.mark.parametrize(
    ("cause", "reason"), [(ENDED, WINDOW_CLOSED), (CANCELLED, MAILING_CANCELLED), (DELETED, CLIENT_DELETED)]
)
def test_a_message_never_released_whose_window_never_opens_expires_for_that_reason(cause: Cause, reason: str) -> None:
    known = Known({}, set(), unreachable={2})
    assert [verdict.reason for verdict in judge([1, 2], known, cause)] == [cause.reason, reason]


@given(
    st.integers(0, 20),
    st.integers(0, 20),
    st.booleans(),
    st.booleans(),
    st.sampled_from([ENDED, LONG_ENDED, CANCELLED, DELETED]),
)
def test_every_attempt_is_recorded_or_lost(folded: int, more: int, stale: bool, shut_out: bool, cause: Cause) -> None:
    flight = a_flight(folded + more, folded, stale=stale, shut_out=shut_out)
    for verdict in judge([1], Known({1: flight}, {1}), cause):
        assert verdict.attempts == folded + len(verdict.lost)
        assert (verdict.reason == OUTCOME_UNKNOWN) is bool(verdict.lost) is flight.open
