"""When a report is due, and until when it is tried."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.planner.report.figures import Day
from services.planner.report.sender import due_day, last_moment, pause_after
from tests.unit.planner.report.builders import MOSCOW


@pytest.mark.parametrize(
    ("now", "at", "day"),
    [
        ("2026-11-27T03:59", time(7), date(2026, 11, 25)),
        ("2026-11-27T04:00", time(7), date(2026, 11, 26)),
        # It is the next day in Moscow already, and not yet seven.
        ("2026-11-27T21:30", time(7), date(2026, 11, 26)),
        # Half past eleven at night, and an hour later.
        ("2026-11-27T20:30", time(23, 30), date(2026, 11, 26)),
        ("2026-11-27T21:30", time(23, 30), date(2026, 11, 26)),
    ],
)
def test_the_newest_day_is_due_whose_hour_has_come_in_its_zone(now: str, at: time, day: date) -> None:
    assert due_day(datetime.fromisoformat(now).replace(tzinfo=UTC), at, MOSCOW).date == day


def test_it_is_tried_until_noon_or_for_four_hours_in_the_afternoon() -> None:
    day = Day(date(2026, 11, 26), MOSCOW)
    assert last_moment(day, time(7)) == datetime(2026, 11, 27, 12, tzinfo=MOSCOW)
    assert last_moment(day, time(13)) == datetime(2026, 11, 27, 17, tzinfo=MOSCOW)
    assert last_moment(day, time(23)) == datetime(2026, 11, 28, 3, tzinfo=MOSCOW)


# Clocks go from two to three o'clock, or from three back to two; in Beirut the day begins at one o'clock.
@pytest.mark.parametrize(
    ("zone", "changes_on", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_where_clocks_change_each_day_is_due_once_and_has_its_hours(zone: str, changes_on: date, hours: float) -> None:
    place = ZoneInfo(zone)
    day = Day(changes_on, place)
    assert (day.ends_at.astimezone(UTC) - day.begins_at.astimezone(UTC)) == timedelta(hours=hours)
    first = datetime.combine(changes_on, time(), place).astimezone(UTC) - timedelta(hours=3)
    for at in (time(0, 30), time(2, 30)):
        dates = [due_day(first + timedelta(minutes=5 * n), at, place).date for n in range(12 * 54)]
        assert dates == sorted(dates)
        assert {day.days_before(1).date, day.date} <= set(dates)


def test_pauses_grow_and_stay_at_the_longest() -> None:
    pauses = [pause_after(attempts) for attempts in (1, 2, 3, 4, 50)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pauses[-2]
