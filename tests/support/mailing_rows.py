"""Writes clients and mailings straight into the tables, and reads the counts of a mailing."""

from datetime import timedelta
from typing import Any

import asyncpg

from shared.statuses import MESSAGE_STATUSES


async def add_clients(
    pool: asyncpg.Pool, number: int, *, operator_code: str = "900", tag: str = "", timezone: str = "UTC", first: int = 0
) -> list[int]:
    """Adds clients with distinct phones that choose no fault of the sandbox, and returns their ids."""
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
    unsent_of: int | None = None,
) -> int:
    """Adds a scheduled mailing as the API does, but without an event. Seconds count from the database's now."""
    mailing_id: int = await pool.fetchval(
        """
        WITH made AS (
            INSERT INTO mailings
                (text, start_at, end_at, operator_codes, tags, window_from, window_to, unsent_of, request_id)
            VALUES ($1, now() + $2, now() + $3, $4, $5, $6, $7, $8, 'test-request') RETURNING id
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
        unsent_of,
    )
    return mailing_id


async def status_of(pool: asyncpg.Pool, mailing_id: int) -> str:
    status: str = await pool.fetchval("SELECT status FROM mailings WHERE id = $1", mailing_id)
    return status


async def counts_of(pool: asyncpg.Pool, mailing_id: int) -> dict[str, int]:
    """Returns the counters of a mailing that are not zero, without the total."""
    row = await pool.fetchrow("SELECT * FROM mailing_counts WHERE mailing_id = $1", mailing_id)
    assert row is not None
    return {status: row[status] for status in MESSAGE_STATUSES if row[status]}


async def outcomes_of(pool: asyncpg.Pool, mailing_id: int) -> dict[str, int]:
    rows = await pool.fetch("SELECT outcome, count FROM outcomes WHERE mailing_id = $1 AND count > 0", mailing_id)
    return {row["outcome"]: row["count"] for row in rows}
