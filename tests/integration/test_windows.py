"""The database's send windows agree with Python's, and are cheap to compare."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from shared.window import Window
from tests.support.clock_changes import CHANGES

WINDOWS = [
    Window(time.fromisoformat(text.partition("-")[0]), time.fromisoformat(text.partition("-")[2]))
    for text in (
        "09:00-21:00",
        "21:00-09:00",
        "00:00-09:00",
        "09:00-00:00",
        "02:30-09:00",
        "02:00-03:00",
        "02:10-02:20",
        "01:00-02:30",
        "23:30-00:30",
        "23:59-00:00",
        "03:00-02:59",
        "01:45:30.5-02:15:00.25",
    )
]
# From before the change, where an opening is still ahead of it, until after it.
AWAY = [
    *(timedelta(hours=hours) for hours in (-25, -24, -23, -12, -3, -2, -1, 0, 1, 2, 12, 23)),
    *(timedelta(minutes=minutes) for minutes in (-90, -45, -30, -15, -1, 1, 15, 30, 45, 90)),
    *(timedelta(microseconds=one) for one in (-1, 1)),
]


@pytest.mark.parametrize(("zone", "changed_at"), CHANGES.values(), ids=CHANGES)
async def test_the_database_and_python_agree(pool: asyncpg.Pool, zone: str, changed_at: datetime) -> None:
    cases = [(window, changed_at + away) for window in WINDOWS for away in AWAY]
    rows = await pool.fetch(
        """
        SELECT window_open(opens, closes, $1, moment), window_opens_at(opens, closes, $1, moment)
        FROM unnest($2::time[], $3::time[], $4::timestamptz[]) WITH ORDINALITY AS c (opens, closes, moment, place)
        ORDER BY place
        """,
        zone,
        [window.opens for window, _ in cases],
        [window.closes for window, _ in cases],
        [moment for _, moment in cases],
    )
    place = ZoneInfo(zone)
    expected = [(window.is_open(place, moment), window.opens_at(place, moment)) for window, moment in cases]
    assert [tuple(row) for row in rows] == expected


DAYS = [0b0000001, 0b0100000, 0b1000000, 0b0011111, 0b1100000, 0b1010101]


@pytest.mark.parametrize(("zone", "changed_at"), CHANGES.values(), ids=CHANGES)
async def test_the_database_and_python_agree_on_weekdays(pool: asyncpg.Pool, zone: str, changed_at: datetime) -> None:
    cases = [
        (Window(window.opens, window.closes, days), changed_at + away + timedelta(days=day))
        for window in WINDOWS[:9]
        for days in DAYS
        for away in AWAY[::3]
        for day in (-3, 0)
    ]
    rows = await pool.fetch(
        """
        SELECT window_opens_at(days, opens, closes, $1, moment)
        FROM unnest($2::time[], $3::time[], $4::timestamptz[], $5::smallint[]) WITH ORDINALITY
            AS c (opens, closes, moment, days, place)
        ORDER BY place
        """,
        zone,
        [window.opens for window, _ in cases],
        [window.closes for window, _ in cases],
        [moment for _, moment in cases],
        [window.days for window, _ in cases],
    )
    place = ZoneInfo(zone)
    assert [row[0] for row in rows] == [window.opens_at(place, moment) for window, moment in cases]


async def test_without_days_a_window_is_what_it_was(pool: asyncpg.Pool) -> None:
    rows = await pool.fetch(
        """
        SELECT window_opens_at(NULL::smallint, '09:00'::time, '21:00'::time, zone, $1)
            = window_opens_at('09:00', '21:00', zone, $1) AS same
        FROM unnest(ARRAY['UTC', 'Asia/Tokyo', 'Mars/Phobos']) AS zone
        """,
        CHANGES["none"][1],
    )
    assert all(row["same"] for row in rows)


async def test_the_session_s_own_zone_does_not_matter(pool: asyncpg.Pool) -> None:
    zone, changed_at = CHANGES["an hour forward"]
    async with pool.acquire() as connection:
        await connection.execute("SET timezone TO 'Europe/Berlin'")
        found = await connection.fetchval(
            "SELECT window_opens_at('02:30', '09:00', $1, $2)", zone, changed_at - timedelta(hours=3)
        )
    assert found == changed_at


async def test_no_window_is_always_open(pool: asyncpg.Pool) -> None:
    moment = CHANGES["none"][1]
    found = await pool.fetchrow(
        "SELECT window_open(NULL, NULL, 'UTC', $1), window_opens_at(NULL, NULL, 'UTC', $1)", moment
    )
    assert found is not None
    assert tuple(found) == (True, moment)


async def test_an_open_window_is_only_a_comparison_in_the_plan(pool: asyncpg.Pool) -> None:
    plan = await pool.fetch(
        """
        EXPLAIN (VERBOSE, COSTS OFF)
        SELECT window_opens_at(m.window_from, m.window_to, c.timezone, now()) FROM clients c, mailings m
        """
    )
    output = next(line for (line,) in plan if "Output" in line)
    assert "window_open(" not in output
    assert "window_opens_at(" not in output
    assert "window_opens_next(" in output
