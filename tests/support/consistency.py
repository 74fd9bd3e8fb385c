"""Checks that the counters of a mailing agree with its rows."""

import asyncpg

from tests.support.mailing_rows import counts_of, outcomes_of, status_of
from tests.support.polling import until


async def until_finished(pool: asyncpg.Pool, mailing_id: int, seconds: float = 60) -> dict[str, int]:
    """Waits until the mailing is finished, checks its consistency, and returns its counts."""

    async def finished() -> bool:
        return await status_of(pool, mailing_id) == "finished"

    try:
        await until(finished, seconds, f"mailing {mailing_id} finished")
    except AssertionError as error:
        raise AssertionError(f"{error}: {await counts_of(pool, mailing_id)}") from None
    await check_consistency(pool, mailing_id)
    return await counts_of(pool, mailing_id)


async def check_consistency(pool: asyncpg.Pool, mailing_id: int) -> None:
    """Checks that every counter equals the number of its rows, and that a finished mailing has no flights.

    The counters by status are compared with the messages, those by outcome with the attempts and the successes at the
    first attempt, and those by reason and by minute with the messages.
    """
    counts = await counts_of(pool, mailing_id)
    assert counts == await _grouped(
        pool,
        "SELECT status::text AS name, count(*) AS count FROM messages WHERE mailing_id = $1 GROUP BY 1",
        mailing_id,
    )
    assert await outcomes_of(pool, mailing_id) == await _grouped(
        pool,
        """
        SELECT outcome AS name, count(*) AS count FROM (
            SELECT outcome FROM attempts WHERE mailing_id = $1
            UNION ALL
            SELECT 'accepted' FROM messages WHERE mailing_id = $1 AND started_at IS NOT NULL
        ) AS every GROUP BY 1
        """,
        mailing_id,
    )
    assert await _grouped(
        pool,
        """
        SELECT status || ': ' || reason AS name, sum(count) AS count FROM reasons
        WHERE mailing_id = $1 AND count > 0 GROUP BY 1
        """,
        mailing_id,
    ) == await _grouped(
        pool,
        """
        SELECT status || ': ' || reason AS name, count(*) AS count FROM messages
        WHERE mailing_id = $1 AND reason IS NOT NULL GROUP BY 1
        """,
        mailing_id,
    )
    sent = await pool.fetchval("SELECT coalesce(sum(sent), 0) FROM minutes WHERE mailing_id = $1", mailing_id)
    assert sent == counts.get("sent", 0)
    if not counts.get("pending", 0) and not counts.get("retrying", 0):
        assert await pool.fetchval("SELECT count(*) FROM flights WHERE mailing_id = $1", mailing_id) == 0


async def _grouped(pool: asyncpg.Pool, query: str, mailing_id: int) -> dict[str, int]:
    return {row["name"]: int(row["count"]) for row in await pool.fetch(query, mailing_id)}
