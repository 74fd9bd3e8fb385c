"""Times as people type them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cli.terminal.moments import read_duration, read_moment, to_api

MOSCOW = ZoneInfo("Europe/Moscow")
# In Moscow it is 01:30 of the next day.
NOW = datetime(2026, 5, 4, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-05-04T22:30:00+00:00"),
        ("+2h", "2026-05-05T00:30:00+00:00"),
        ("+ 30 m", "2026-05-04T23:00:00+00:00"),
        ("+1h30m", "2026-05-05T00:00:00+00:00"),
        ("+2 hours", "2026-05-05T00:30:00+00:00"),
        ("in 90 minutes", "2026-05-05T00:00:00+00:00"),
        ("+1 day 2 hrs", "2026-05-06T00:30:00+00:00"),
        ("+1d", "2026-05-05T22:30:00+00:00"),
        # Days and times of day are those of the zone, whose day has begun already.
        ("today 21:00", "2026-05-05T18:00:00+00:00"),
        ("Today at 9:00", "2026-05-05T06:00:00+00:00"),
        ("tomorrow 09:00", "2026-05-06T06:00:00+00:00"),
        ("21:00", "2026-05-05T18:00:00+00:00"),
        ("2030-01-31 18:00", "2030-01-31T15:00:00+00:00"),
        ("2030-01-31T18:00:00+05:00", "2030-01-31T13:00:00+00:00"),
        ("2030-01-31T18:00:00Z", "2030-01-31T18:00:00+00:00"),
    ],
)
def test_a_moment_is_read_as_it_is_meant(text: str, moment: str) -> None:
    assert to_api(read_moment(text, NOW, MOSCOW)) == moment


def test_a_day_keeps_its_time_over_a_change_of_the_clocks() -> None:
    berlin, before = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert to_api(read_moment("today 21:00", before, berlin)) == "2026-03-28T20:00:00+00:00"
    assert to_api(read_moment("tomorrow 21:00", before, berlin)) == "2026-03-29T19:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "soon",
            "5",
            "May",
            "today",
            "tomorrow",
            "2030-01-31",
            "today 25:00",
            "+0h",
            "+2y",
            "-2h",
            "+",
            "+9999999d",
        ),
        *("2030-01-31T18:00:00+05:60", "2030-W05-4T18:00", "20300131T180000Z", "2030-01-31x18:00"),
        "2030-01-31T18:00+05:00:30",
    ],
)
def test_what_could_mean_something_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as|from 00:00 to 23:59|hundred years"):
        read_moment(text, NOW, MOSCOW)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("12h", timedelta(hours=12)),
        ("+12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("8w", timedelta(weeks=8)),
        ("90min", timedelta(minutes=90)),
    ],
)
def test_a_duration_has_a_unit(text: str, duration: timedelta) -> None:
    assert read_duration(text) == duration
