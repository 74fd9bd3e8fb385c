"""Unsent messages are settled by the state of their flight and by the cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.closing.rules import (
    CLIENT_DELETED,
    DEADLINE,
    MAILING_CANCELLED,
    OUTCOME_UNKNOWN,
    WINDOW_CLOSED,
    FlightFacts,
    Settlement,
    SettlementCause,
    cause_of_closing,
    decide,
    name_failure,
)
from services.planner.closing.store import LockedFlight

ENDED = SettlementCause("expired", DEADLINE)
LONG_ENDED = SettlementCause("expired", DEADLINE, claims_due=True)
CANCELLED = SettlementCause("cancelled", MAILING_CANCELLED)
DELETED = SettlementCause("cancelled", CLIENT_DELETED)


def a_flight(claimed: int = 0, folded: int = 0, *, stale: bool = False, shut_out: bool = False) -> LockedFlight:
    return LockedFlight(claimed > folded, stale, claimed, folded, shut_out)


@pytest.mark.parametrize(
    ("flight", "cause", "settlement"),
    [
        # Never released, so nothing can be on its way.
        (None, ENDED, Settlement(1, DEADLINE, 0)),
        (None, CANCELLED, Settlement(1, MAILING_CANCELLED, 0)),
        (None, DELETED, Settlement(1, CLIENT_DELETED, 0)),
        # Released and unclaimed: the claim refuses it from now on.
        (a_flight(), ENDED, Settlement(1, DEADLINE, 0)),
        (a_flight(), CANCELLED, Settlement(1, MAILING_CANCELLED, 0)),
        # Between two attempts; those made are counted.
        (a_flight(3, 3), ENDED, Settlement(1, DEADLINE, 3)),
        (a_flight(3, 3), DELETED, Settlement(1, CLIENT_DELETED, 3)),
        # It waited for a window that did not open before the end. Who cancels does not ask for windows.
        (a_flight(shut_out=True), ENDED, Settlement(1, WINDOW_CLOSED, 0)),
        (a_flight(shut_out=True), LONG_ENDED, Settlement(1, WINDOW_CLOSED, 0)),
        (a_flight(shut_out=True), CANCELLED, Settlement(1, MAILING_CANCELLED, 0)),
        (a_flight(shut_out=True), DELETED, Settlement(1, CLIENT_DELETED, 0)),
        # An open claim is waited for, whatever the cause.
        (a_flight(1), ENDED, None),
        (a_flight(1), CANCELLED, None),
        (a_flight(1), DELETED, None),
        (a_flight(4, 3, shut_out=True), ENDED, None),
        # No result of it can come any more: the attempts without one are lost, and what they did is unknown.
        (a_flight(1, stale=True), ENDED, Settlement(1, OUTCOME_UNKNOWN, 1, (1,))),
        (a_flight(1, stale=True), CANCELLED, Settlement(1, OUTCOME_UNKNOWN, 1, (1,))),
        (a_flight(1), LONG_ENDED, Settlement(1, OUTCOME_UNKNOWN, 1, (1,))),
        (a_flight(5, 2, stale=True), DELETED, Settlement(1, OUTCOME_UNKNOWN, 5, (3, 4, 5))),
        (a_flight(5, 2), LONG_ENDED, Settlement(1, OUTCOME_UNKNOWN, 5, (3, 4, 5))),
    ],
)
def test_a_message_is_settled_when_nothing_of_it_can_be_on_its_way(
    flight: LockedFlight | None, cause: SettlementCause, settlement: Settlement | None
) -> None:
    locked = {} if flight is None else {1: flight}
    assert decide([1], FlightFacts(locked, set(locked)), cause) == ([] if settlement is None else [settlement])


@pytest.mark.parametrize("cause", [ENDED, LONG_ENDED, CANCELLED, DELETED])
def test_a_message_that_is_being_claimed_is_left_alone(cause: SettlementCause) -> None:
    assert decide([1], FlightFacts({}, {1}), cause) == []


def test_each_message_is_judged_by_itself() -> None:
    locked = {2: a_flight(1), 3: a_flight(2, 2)}
    assert decide([1, 2, 3, 4], FlightFacts(locked, {2, 3, 4}), ENDED) == [
        Settlement(1, DEADLINE, 0),
        Settlement(3, DEADLINE, 2),
    ]


@pytest.mark.parametrize(
    ("cause", "reason"), [(ENDED, WINDOW_CLOSED), (CANCELLED, MAILING_CANCELLED), (DELETED, CLIENT_DELETED)]
)
def test_a_message_never_released_whose_window_never_opens_expires_for_that_reason(
    cause: SettlementCause, reason: str
) -> None:
    facts = FlightFacts({}, set(), unreachable={2})
    assert [settlement.reason for settlement in decide([1, 2], facts, cause)] == [cause.reason, reason]


@given(
    st.integers(0, 20),
    st.integers(0, 20),
    st.booleans(),
    st.booleans(),
    st.sampled_from([ENDED, LONG_ENDED, CANCELLED, DELETED]),
)
def test_every_attempt_is_recorded_or_lost(
    folded: int, more: int, stale: bool, shut_out: bool, cause: SettlementCause
) -> None:
    flight = a_flight(folded + more, folded, stale=stale, shut_out=shut_out)
    for settlement in decide([1], FlightFacts({1: flight}, {1}), cause):
        assert settlement.attempts == folded + len(settlement.lost)
        assert (settlement.reason == OUTCOME_UNKNOWN) is bool(settlement.lost) is flight.open


@pytest.mark.parametrize(
    ("outcome", "http_status", "name"),
    [
        ("server_error", 503, "HTTP 503"),
        ("too_many", 429, "HTTP 429"),
        ("error_code", 200, "error code"),
        ("unreadable", 200, "unreadable"),
        ("unreachable", None, "unreachable"),
    ],
)
def test_a_failure_is_named_by_its_status_where_that_says_something(
    outcome: str, http_status: int | None, name: str
) -> None:
    assert name_failure(outcome, http_status) == name


def test_the_last_failure_and_the_pause_are_named_at_the_end_only() -> None:
    facts = FlightFacts({1: a_flight(1, 1)}, {1}, failed={1: "HTTP 503"})
    paused = cause_of_closing(cancelled=False, paused=True, claims_due=False)
    assert [settlement.reason for settlement in decide([1], facts, ENDED)] == ["deadline reached, last HTTP 503"]
    assert [settlement.reason for settlement in decide([1], facts, paused)] == ["deadline reached while paused"]
    assert [settlement.reason for settlement in decide([1], facts, CANCELLED)] == [MAILING_CANCELLED]
