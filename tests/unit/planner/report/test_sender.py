"""When a report is due, and until when it is tried."""

from datetime import UTC, date, datetime, time

import pytest

from services.planner.report.sender import due_day, last_moment, pause_after
from tests.unit.planner.report.builders import MOSCOW


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-27T03:59", None),
        ("2026-11-27T04:00", date(2026, 11, 26)),
        # It is the next day in Moscow already, and not yet seven.
        ("2026-11-27T21:30", None),
    ],
)
def test_yesterday_is_due_at_the_hour_of_its_zone(now: str, day: date | None) -> None:
    due = due_day(datetime.fromisoformat(now).replace(tzinfo=UTC), time(7), MOSCOW)
    assert (due and due.date) == day


def test_it_is_tried_until_noon_or_for_four_hours_in_the_afternoon() -> None:
    now = datetime(2026, 11, 27, 5, tzinfo=UTC)
    assert last_moment(now, time(7), MOSCOW) == datetime(2026, 11, 27, 12, tzinfo=MOSCOW)
    assert last_moment(now, time(13), MOSCOW) == datetime(2026, 11, 27, 17, tzinfo=MOSCOW)


def test_pauses_grow_and_stay_at_the_longest() -> None:
    pauses = [pause_after(attempts) for attempts in (1, 2, 3, 4, 50)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pauses[-2]
