"""Replaces the rows that say how many clients there are of a value by their sum."""

from shared.database import Pool


async def sum_up(pool: Pool, limit: int) -> int:
    """Sums up the rows of values that have several, `limit` rows at the most. Returns how many rows it took away.

    It is one statement, so that every snapshot has either the rows or their sum. Rows that another planner sums up are
    left to that one; the sums of parts are as good as one sum.
    """
    taken: int = await pool.fetchval(
        """
        WITH taken AS (
            DELETE FROM client_counts WHERE ctid = ANY (ARRAY(
                SELECT c.ctid FROM client_counts c
                WHERE (c.kind, c.value, c.opted_out) IN (
                    SELECT kind, value, opted_out FROM client_counts
                    GROUP BY kind, value, opted_out HAVING count(*) > 1
                )
                LIMIT $1 FOR UPDATE SKIP LOCKED
            ))
            RETURNING kind, value, opted_out, clients
        ), summed AS (
            INSERT INTO client_counts (kind, value, opted_out, clients)
            SELECT kind, value, opted_out, sum(clients) FROM taken GROUP BY 1, 2, 3 HAVING sum(clients) <> 0
        )
        SELECT count(*) FROM taken
        """,
        limit,
    )
    return taken
