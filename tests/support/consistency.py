"""Checks that the counters of a mailing agree with its rows."""

import asyncpg

from tests.support.mailing_rows import counts_of, outcomes_of, status_of
from tests.support.polling import until

MESSAGES_BY_STATUS = "SELECT status::text AS name, count(*) AS count FROM messages WHERE mailing_id = $1 GROUP BY 1"
# A success at the first attempt has no row in attempts: its message holds it.
ATTEMPTS_BY_OUTCOME = """
    SELECT outcome AS name, count(*) AS count FROM (
        SELECT outcome FROM attempts WHERE mailing_id = $1
        UNION ALL
        SELECT 'accepted' FROM messages WHERE mailing_id = $1 AND started_at IS NOT NULL
    ) AS every GROUP BY 1
"""
COUNTED_REASONS = """
    SELECT status || ': ' || reason AS name, sum(count) AS count FROM reasons
    WHERE mailing_id = $1 AND count > 0 GROUP BY 1
"""
MESSAGES_BY_REASON = """
    SELECT status || ': ' || reason AS name, count(*) AS count FROM messages
    WHERE mailing_id = $1 AND reason IS NOT NULL GROUP BY 1
"""
COUNTED_DELIVERIES = """
    SELECT concat_ws('/', provider, operator_code, delivery, reason) AS name, sum(count) AS count FROM delivery_counts
    WHERE mailing_id = $1 AND count > 0 AND delivery NOT IN ('proved', 'resent') GROUP BY 1
"""
MESSAGES_BY_DELIVERY = """
    SELECT concat_ws('/', provider, operator_code, delivery, reason) AS name, count(*) AS count FROM deliveries
    WHERE mailing_id = $1 GROUP BY 1
"""
SENT_BY_MINUTE = "SELECT coalesce(sum(sent), 0) FROM minutes WHERE mailing_id = $1"


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
    assert counts == await _grouped(pool, MESSAGES_BY_STATUS, mailing_id)
    assert await outcomes_of(pool, mailing_id) == await _grouped(pool, ATTEMPTS_BY_OUTCOME, mailing_id)
    reasons = await _grouped(pool, COUNTED_REASONS, mailing_id)
    assert reasons == await _grouped(pool, MESSAGES_BY_REASON, mailing_id)
    deliveries = await _grouped(pool, COUNTED_DELIVERIES, mailing_id)
    assert deliveries == await _grouped(pool, MESSAGES_BY_DELIVERY, mailing_id)
    assert await pool.fetchval(SENT_BY_MINUTE, mailing_id) == counts.get("sent", 0)
    if not counts.get("pending", 0) and not counts.get("retrying", 0):
        assert await pool.fetchval("SELECT count(*) FROM flights WHERE mailing_id = $1", mailing_id) == 0


async def _grouped(pool: asyncpg.Pool, query: str, mailing_id: int) -> dict[str, int]:
    return {row["name"]: int(row["count"]) for row in await pool.fetch(query, mailing_id)}
