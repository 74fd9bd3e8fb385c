"""Writes finished mailings and messages straight into the tables, since sending as many would take hours."""

import asyncpg


async def add_mailings(connection: asyncpg.Connection, count: int) -> None:
    """Adds finished mailings whose counters show 100 sent messages each."""
    await connection.execute(
        """
        WITH made AS (
            INSERT INTO mailings (text, start_at, end_at, status, started_at, finished_at)
            SELECT 'Measured', now() - interval '2 h', now() - interval '1 h', 'finished', now(), now()
            FROM generate_series(1, $1::int)
            RETURNING id
        ), work AS (
            INSERT INTO mailing_work (mailing_id, expansion_done) SELECT id, true FROM made
        )
        INSERT INTO mailing_counts (mailing_id, total, sent) SELECT id, 100, 100 FROM made
        """,
        count,
        timeout=600,
    )
    await connection.execute("ANALYZE mailings, mailing_work, mailing_counts")


async def add_messages(connection: asyncpg.Connection, count: int) -> int:
    """Adds a finished mailing with `count` sent messages to clients that do not exist, and returns its id."""
    mailing_id: int = await connection.fetchval(
        """
        WITH made AS (
            INSERT INTO mailings (text, start_at, end_at, status, started_at, finished_at)
            VALUES ('Measured', now() - interval '2 h', now() - interval '1 h', 'finished', now(), now())
            RETURNING id
        ), work AS (
            INSERT INTO mailing_work (mailing_id, expansion_done) SELECT id, true FROM made
        ), counts AS (
            INSERT INTO mailing_counts (mailing_id, total, sent) SELECT id, $1, $1 FROM made
        )
        SELECT id FROM made
        """,
        count,
    )
    await connection.execute(
        """
        INSERT INTO messages
            (mailing_id, client_id, status, final_at, attempts, started_at, duration_ms, http_status)
        SELECT $1, 1000000000 + n, 'sent', now(), 1, now(), 5, 200 FROM generate_series(1, $2::int) AS n
        """,
        mailing_id,
        count,
        timeout=600,
    )
    await connection.execute("ANALYZE messages", timeout=600)
    return mailing_id
