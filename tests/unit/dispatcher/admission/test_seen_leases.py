"""Who is gone by what was seen of its lease, whatever the clock of the database does."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.dispatcher.admission.seen_leases import LeaseAge, SeenLeases
from tests.support.fakes import FakeClock

OTHER = UUID(int=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def look(seen: SeenLeases, renewed: float, now: float) -> bool:
    """Looks at a lease that was renewed at `renewed` when it is `now`, both by the database's clock."""
    age = LeaseAge(START + timedelta(seconds=renewed), now - renewed)
    return OTHER in seen.gone("smsc", {OTHER: age}, 10.0)


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


def test_a_process_that_starts_takes_over_from_one_long_dead_after_a_moment() -> None:
    clock = FakeClock(0.0)
    seen = SeenLeases(clock)
    assert not look(seen, 0, 5000)
    clock.move_to(2.6)
    assert look(seen, 0, 5002)
    # It came back to life.
    assert not look(seen, 5003, 5003)
