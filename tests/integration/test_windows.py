"""The database's send windows agree with Python's, and are cheap to compare."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from shared.window import Window
from tests.support.clock_changes import CHANGES

WINDOWS = [
    Window(*(time.fromisoformat(clock) for clock in text.split("-")))
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
