"""Who is gone by what was seen of its lease, whatever the clock of the database does."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.dispatcher.admission.seen_leases import LeaseAge, LeaseTerms, SeenLeases
from tests.support.fakes import FakeClock

OTHER = UUID(int=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


TERMS = LeaseTerms(gone=10.0, unused=6.0, left=2.0)


def look(seen: SeenLeases, renewed: float, now: float, *, left: bool = False) -> bool:
    """Looks at a lease that was renewed at `renewed` when it is `now`, both by the database's clock."""
    age = LeaseAge(START + timedelta(seconds=renewed), now - renewed, left)
    return OTHER in seen.gone("smsc", {OTHER: age}, TERMS)


def test_who_renews_nothing_is_gone_after_ten_seconds() -> None:
    clock = FakeClock(0.0)
    seen = SeenLeases(clock)
    assert not look(seen, 0, 0.4)
    clock.move_to(9.5)
    assert not look(seen, 0, 9.9)
    clock.move_to(9.7)
    assert look(seen, 0, 10.1)


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_that_is_set_makes_nobody_gone(step: float) -> None:
    clock = FakeClock(0.0)
    seen = SeenLeases(clock)
    for number in range(40):
        moment = number / 2
        clock.move_to(moment)
        # Renewed half a second ago, by a clock that was set in between.
        database = moment + (step if number >= 20 else 0)
        renewed = moment - 0.5 + (step if number > 20 else 0)
        assert not look(seen, renewed, database)


def test_a_dead_one_is_gone_in_time_though_the_clock_was_set_back() -> None:
    clock = FakeClock(0.0)
    seen = SeenLeases(clock)
    assert not look(seen, 0, 0.1)
    clock.move_to(10.1)
    assert look(seen, 0, -3000)


def test_a_lease_that_was_renewed_and_then_aged_by_a_clock_is_watched_until_nobody_uses_it() -> None:
    clock = FakeClock(0.0)
    seen = SeenLeases(clock)
    assert not look(seen, 0, 0.1)
    clock.move_to(0.5)
    assert not look(seen, 0.4, 7.5)
    clock.move_to(9.9)
    assert not look(seen, 0.4, 16.9)
    clock.move_to(10.1)
    assert look(seen, 0.4, 17.1)


@pytest.mark.parametrize(("age", "after"), [(3, 7.0), (30, 6.0), (5000, 0.0)])
def test_a_process_that_starts_takes_over_from_one_that_is_dead(age: float, after: float) -> None:
    clock = FakeClock(0.0)
    seen = SeenLeases(clock)
    assert look(seen, 0, age) == (after == 0)
    clock.move_to(max(after - 0.1, 0))
    assert look(seen, 0, age) == (after == 0)
    clock.move_to(after + 0.1)
    assert look(seen, 0, age)
    # It came back to life.
    assert not look(seen, age + 1, age + 1)


def test_what_a_process_left_in_good_order_is_free_after_its_windows() -> None:
    clock = FakeClock(0.0)
    seen = SeenLeases(clock)
    assert not look(seen, 0, 0.1)
    clock.move_to(1.0)
    assert not look(seen, 0.9, 1.0, left=True)
    clock.move_to(3.1)
    assert look(seen, 0.9, 3.1, left=True)
