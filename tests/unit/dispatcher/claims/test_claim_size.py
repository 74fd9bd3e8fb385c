"""How much is claimed at once follows what begins in time."""

from services.dispatcher.claims.claim_size import MOST_JOBS_PER_CLAIM, ClaimSize


def test_at_first_as_much_is_claimed_as_one_statement_takes() -> None:
    assert ClaimSize().limit == MOST_JOBS_PER_CLAIM == 250


def test_claims_that_do_not_begin_in_time_halve_it_once_a_second() -> None:
    size = ClaimSize()
    for moment in (10.0, 10.2, 10.9):
        size.shrink(moment)
    assert size.limit == 125
    size.shrink(11.0)
    assert size.limit == 62


def test_it_never_falls_to_nothing_and_grows_with_what_begins() -> None:
    size = ClaimSize()
    for second in range(20):
        size.shrink(float(second))
    assert size.limit == 1
    for _ in range(1000):
        size.grow()
    assert size.limit == MOST_JOBS_PER_CLAIM
