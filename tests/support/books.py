"""The plan and the books: what a test puts into the tables, and whether what came of it adds up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg

STATUSES = ("pending", "retrying", "sent", "rejected", "exhausted", "expired", "cancelled")


async def add_clients(
    pool: asyncpg.Pool, number: int, *, operator_code: str = "900", tag: str = "", timezone: str = "UTC", first: int = 0
) -> list[int]:
    """Adds clients with distinct phones, none of them magic to the sandbox."""
    rows = await pool.fetch(
        """
        INSERT INTO clients (phone, operator_code, tag, timezone)
        SELECT (70000000000 + (i / 9000) * 10000 + 1000 + i % 9000)::text, $3, $4, $5
        FROM generate_series($1::bigint, $1::bigint + $2 - 1) AS i RETURNING id
        """,
        first,
        number,
        operator_code,
        tag,
        timezone,
    )
    return [row["id"] for row in rows]


async def add_mailing(
    pool: asyncpg.Pool,
    *,
    text: str = "Hello",
    start_in: float = 0,
    lasts: float = 600,
    operator_codes: list[str] | None = None,
    tags: list[str] | None = None,
    window: tuple[Any, Any] = (None, None),
) -> int:
    """Adds a scheduled mailing as the API does, without its event. Seconds count from the database's now."""
    mailing_id: int = await pool.fetchval(
        """
        WITH made AS (
            INSERT INTO mailings (text, start_at, end_at, operator_codes, tags, window_from, window_to, request_id)
            VALUES ($1, now() + $2, now() + $3, $4, $5, $6, $7, 'test-request') RETURNING id
        ), work AS (INSERT INTO mailing_work (mailing_id) SELECT id FROM made),
        counts AS (INSERT INTO mailing_counts (mailing_id) SELECT id FROM made)
        SELECT id FROM made
        """,
        text,
        timedelta(seconds=start_in),
        timedelta(seconds=start_in + lasts),
        operator_codes or [],
        tags or [],
        *window,
    )
    return mailing_id


async def status_of(pool: asyncpg.Pool, mailing_id: int) -> str:
    status: str = await pool.fetchval("SELECT status FROM mailings WHERE id = $1", mailing_id)
    return status


async def counts_of(pool: asyncpg.Pool, mailing_id: int) -> dict[str, int]:
    """Returns the counters of a mailing that are not zero, without the total."""
    row = await pool.fetchrow("SELECT * FROM mailing_counts WHERE mailing_id = $1", mailing_id)
    assert row is not None
    return {status: row[status] for status in STATUSES if row[status]}


async def outcomes_of(pool: asyncpg.Pool, mailing_id: int) -> dict[str, int]:
    rows = await pool.fetch("SELECT outcome, count FROM outcomes WHERE mailing_id = $1 AND count > 0", mailing_id)
    return {row["outcome"]: row["count"] for row in rows}


async def until(check: Callable[[], Awaitable[bool]], seconds: float, what: str = "the condition") -> None:
    """Looks until it is so; fails when it is not in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await check():
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.05)


async def until_finished(pool: asyncpg.Pool, mailing_id: int, seconds: float = 60) -> dict[str, int]:
    """Waits for the mailing to be finished, checks its books and returns its counts."""

    async def finished() -> bool:
        return await status_of(pool, mailing_id) == "finished"

    try:
        await until(finished, seconds, f"mailing {mailing_id} finished")
    except AssertionError as error:
        raise AssertionError(f"{error}: {await counts_of(pool, mailing_id)}") from None
    await check_books(pool, mailing_id)
    return await counts_of(pool, mailing_id)


async def check_books(pool: asyncpg.Pool, mailing_id: int) -> None:
    """Checks that every count equals what the rows say, and that nothing is left in flight.

    Counters = GROUP BY of messages; outcomes = attempts and first tries; reasons and minutes add up.
    """
    counts = await counts_of(pool, mailing_id)
    assert counts == await _grouped(
        pool, "SELECT status::text, count(*) FROM messages WHERE mailing_id = $1 GROUP BY 1", mailing_id
    )
    assert await outcomes_of(pool, mailing_id) == await _grouped(
        pool,
        """
        SELECT outcome, count(*) FROM (
            SELECT outcome FROM attempts WHERE mailing_id = $1
            UNION ALL
            SELECT 'accepted' FROM messages WHERE mailing_id = $1 AND started_at IS NOT NULL
        ) AS every GROUP BY 1
        """,
        mailing_id,
    )
    assert await _grouped(
        pool,
        "SELECT status || ': ' || reason, sum(count) FROM reasons WHERE mailing_id = $1 AND count > 0 GROUP BY 1",
        mailing_id,
    ) == await _grouped(
        pool,
        """
        SELECT status || ': ' || reason, count(*) FROM messages
        WHERE mailing_id = $1 AND reason IS NOT NULL GROUP BY 1
        """,
        mailing_id,
    )
    sent = await pool.fetchval("SELECT coalesce(sum(sent), 0) FROM minutes WHERE mailing_id = $1", mailing_id)
    assert sent == counts.get("sent", 0)
    unfinished = counts.get("pending", 0) + counts.get("retrying", 0)
    if not unfinished:
        assert await pool.fetchval("SELECT count(*) FROM flights WHERE mailing_id = $1", mailing_id) == 0


async def _grouped(pool: asyncpg.Pool, query: str, mailing_id: int) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in await pool.fetch(query, mailing_id)}
