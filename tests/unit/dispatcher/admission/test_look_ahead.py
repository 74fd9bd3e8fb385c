"""How many jobs are claimed beyond the slots that are free."""

import pytest

from services.dispatcher.admission.look_ahead import LookAhead


def a_look_ahead(pace: int, claim_seconds: float) -> LookAhead:
    """Makes one that has seen a second of requests."""
    look_ahead = LookAhead()
    look_ahead.record(100.0, 0, claim_seconds)
    look_ahead.record(101.0, pace, claim_seconds)
    return look_ahead


@pytest.mark.parametrize(
    ("pace", "claim_seconds", "claims"),
    [
        (5000, 0.01, 100),
        (1000, 0.1, 110),
        # A slow provider frees hardly a slot while a claim is on its way.
        (10, 0.005, 1),
        (0, 0.01, 0),
        # A claim of a minute is an outage, for which nobody claims ahead.
        (100, 60.0, 101),
    ],
)
def test_as_many_are_claimed_ahead_as_end_while_a_claim_is_on_its_way(
    pace: int, claim_seconds: float, claims: int
) -> None:
    assert a_look_ahead(pace, claim_seconds).claims == claims


def test_nothing_is_claimed_ahead_before_anything_ended() -> None:
    look_ahead = LookAhead()
    assert look_ahead.claims == 0
    look_ahead.record(100.0, 0, 0.01)
    assert look_ahead.claims == 0


def test_the_pace_of_an_instant_changes_nothing() -> None:
    look_ahead = a_look_ahead(5000, 0.01)
    look_ahead.record(101.01, 5000, 0.01)
    assert look_ahead.claims == 100


def test_after_a_pause_the_pace_is_that_of_the_pause() -> None:
    look_ahead = a_look_ahead(5000, 0.01)
    look_ahead.record(161.0, 5010, 0.01)
    assert look_ahead.claims == 1
