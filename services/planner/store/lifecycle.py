"""The life of a mailing: started, expanded, finished. Each step is recorded as an event."""

from shared.database import Pool

# So many mailings are started, or finished, by one statement.
MAILINGS_PER_STEP = 1000


async def start_due(pool: Pool) -> list[tuple[int, str | None]]:
    """Starts mailings whose time has come, each by one compare-and-set, and freezes its audience's last client.

    Returns (mailing id, request id) of those started here.
    """
    rows = await pool.fetch(
        """
        WITH started AS (
            -- The condition is repeated outside of the subquery: the row may have changed before it was locked.
            -- A segment is copied now: whatever becomes of it later changes no audience.
            UPDATE mailings SET status = 'running', started_at = now(), updated_at = now(),
                conditions = CASE WHEN segment_id IS NULL THEN conditions
                    ELSE (SELECT s.filter FROM segments s WHERE s.id = segment_id) END
            WHERE id IN (
                SELECT id FROM mailings WHERE status = 'scheduled' AND start_at <= now()
                ORDER BY start_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ) AND status = 'scheduled' AND start_at <= now()
            RETURNING id, request_id
        ), frozen AS (
            -- Clients added from now on have higher ids, and are not in the audience.
            UPDATE mailing_work w SET upper_client_id = (SELECT coalesce(max(id), 0) FROM clients)
            FROM started WHERE w.mailing_id = started.id
        ), recorded AS (
            INSERT INTO events (mailing_id, kind, request_id) SELECT id, 'started', request_id FROM started
        )
        SELECT id, request_id FROM started
        """,
        MAILINGS_PER_STEP,
    )
    return [(row["id"], row["request_id"]) for row in rows]


async def seconds_to_next_start(pool: Pool) -> float | None:
    """Returns in how many seconds the next scheduled mailing is due; None when none is scheduled."""
    value: float | None = await pool.fetchval(
        "SELECT extract(epoch FROM min(start_at) - clock_timestamp())::float8 FROM mailings WHERE status = 'scheduled'"
    )
    return value


async def finish_done(pool: Pool) -> list[tuple[int, str | None]]:
    """Finishes mailings whose messages are all final. A cancelled one keeps its status, and only gets finished_at.

    The second statement reads the counts again under the row lock, since a resend may have come in between. An open
    resend keeps a mailing unfinished, since it may reopen messages.
    """
    async with pool.acquire() as connection, connection.transaction():
        ids = await connection.fetch(
            """
            SELECT m.id FROM mailings m
            JOIN mailing_work w ON w.mailing_id = m.id
            JOIN mailing_counts c ON c.mailing_id = m.id
            WHERE m.finished_at IS NULL AND c.pending + c.retrying = 0
                AND (m.status = 'cancelled' OR (m.status IN ('running', 'paused') AND w.expansion_done))
                AND NOT EXISTS (SELECT 1 FROM resends r WHERE r.mailing_id = m.id AND r.done_at IS NULL)
            LIMIT $1 FOR NO KEY UPDATE OF m SKIP LOCKED
            """,
            MAILINGS_PER_STEP,
        )
        if not ids:
            return []
        rows = await connection.fetch(
            """
            WITH done AS (
                -- The conditions of the first statement, under the row locks that it took.
                UPDATE mailings m
                SET finished_at = now(), updated_at = now(),
                    status = CASE WHEN m.status = 'cancelled' THEN m.status ELSE 'finished' END
                FROM mailing_counts c, mailing_work w
                WHERE m.id = ANY ($1::bigint[]) AND c.mailing_id = m.id AND c.pending + c.retrying = 0
                    AND w.mailing_id = m.id AND (m.status = 'cancelled' OR w.expansion_done)
                    AND NOT EXISTS (SELECT 1 FROM resends r WHERE r.mailing_id = m.id AND r.done_at IS NULL)
                RETURNING m.id, m.request_id, m.status
            ), recorded AS (
                INSERT INTO events (mailing_id, kind, request_id)
                SELECT id, CASE status WHEN 'cancelled' THEN 'closed' ELSE 'finished' END, request_id FROM done
            )
            SELECT id, request_id FROM done
            """,
            [row["id"] for row in ids],
        )
        return [(row["id"], row["request_id"]) for row in rows]
