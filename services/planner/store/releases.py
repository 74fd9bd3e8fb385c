"""Release: which flights become jobs now, which wait for their window, and how many are in flight."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Release:
    """A mailing held for one release chunk."""

    cursor: int
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A flight whose job must be published, unless it waits for its window in its client's time zone."""

    message_id: int
    client_id: int
    attempt: int
    waits: bool
    timezone: str


async def hold_release(connection: Connection, owner: UUID, mailing_id: int) -> Release | None:
    """Holds a mailing for one chunk; None if nothing of it may be released now, or `owner` lost the lease."""
    row = await connection.fetchrow(
        """
        SELECT w.release_cursor, now() AS began_at FROM mailings m
        JOIN mailing_work w ON w.mailing_id = m.id
        WHERE m.id = $1 AND m.status = 'running' AND m.end_at > clock_timestamp()
            AND w.owner = $2 AND w.closing_at IS NULL
        FOR SHARE OF m FOR NO KEY UPDATE OF w
        """,
        mailing_id,
        owner,
    )
    return None if row is None else Release(row["release_cursor"], row["began_at"])


async def take_waiting(connection: Connection, mailing_id: int, limit: int) -> list[Due]:
    """Takes flights that wait in the table and are due: unreleased after a crash, put back, or retries.

    Those whose client's window is closed wait on until it opens.
    """
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT message_id, client_id, claimed_number FROM flights
            WHERE mailing_id = $1 AND released_at IS NULL AND due_at <= now()
            ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), judged AS (
            SELECT due.*, c.timezone, window_opens_at(m.window_from, m.window_to, c.timezone, now()) AS opens_at
            FROM due JOIN clients c ON c.id = due.client_id JOIN mailings m ON m.id = $1
        ), later AS (
            UPDATE flights f SET due_at = j.opens_at FROM judged j
            WHERE f.message_id = j.message_id AND j.opens_at > now()
        )
        SELECT message_id, client_id, claimed_number + 1 AS attempt, opens_at > now() AS waits, timezone FROM judged
        """,
        mailing_id,
        limit,
    )
    return [Due(*row) for row in rows]


async def take_fresh(connection: Connection, mailing_id: int, cursor: int, limit: int) -> list[Due]:
    """Makes flights for the next messages after the cursor, and moves it.

    Those whose client's window is closed get a flight that waits until it opens. Messages of clients deleted
    meanwhile get none: they are settled as cancelled.
    Rows are compared whole so that only the index on (mailing_id, id) fits: with the ids compared alone, a plan
    for the average mailing walks the primary key, through all messages of the others.
    """
    rows = await connection.fetch(
        """
        WITH fresh AS (
            SELECT id, client_id, status FROM messages
            WHERE (mailing_id, id) > ($1, $2) AND (mailing_id, id) <= ($1, 9223372036854775807)
            ORDER BY mailing_id, id LIMIT $3
        ), made AS (
            INSERT INTO flights (message_id, mailing_id, client_id, due_at)
            SELECT x.id, $1, x.client_id, window_opens_at(m.window_from, m.window_to, c.timezone, now())
            FROM fresh x JOIN clients c ON c.id = x.client_id JOIN mailings m ON m.id = $1
            WHERE x.status = 'pending' AND c.deleted_at IS NULL
            ORDER BY x.id
            ON CONFLICT (message_id) DO NOTHING
            RETURNING message_id, client_id, due_at
        ), moved AS (
            UPDATE mailing_work SET release_cursor = (SELECT max(id) FROM fresh)
            WHERE mailing_id = $1 AND EXISTS (SELECT 1 FROM fresh)
        )
        SELECT made.message_id, made.client_id, 1 AS attempt, made.due_at > now() AS waits, c.timezone
        FROM made JOIN clients c ON c.id = made.client_id
        """,
        mailing_id,
        cursor,
        limit,
    )
    return [Due(*row) for row in rows]


async def mark_released(pool: Pool, message_ids: Sequence[int], began_at: datetime) -> None:
    """Marks flights as on the broker.

    One that a dispatcher has put back meanwhile has a later due_at than the chunk, and stays waiting.
    """
    await pool.execute(
        """
        UPDATE flights SET released_at = clock_timestamp()
        WHERE message_id = ANY ($1::bigint[]) AND released_at IS NULL AND due_at <= $2
        """,
        message_ids,
        began_at,
    )


async def judge_windows_anew(pool: Pool, limit: int) -> int:
    """Makes waiting flights due whose mailing's window was edited, so that they are judged by the new one.

    A retry that must not be made yet keeps its time. Returns how many; once it is 0 all are done.
    """
    value: int = await pool.fetchval(
        """
        WITH edited AS (
            SELECT m.id, m.window_edited_at FROM mailings m JOIN mailing_work w ON w.mailing_id = m.id
            WHERE m.finished_at IS NULL AND m.window_edited_at IS NOT NULL
                AND m.window_edited_at IS DISTINCT FROM w.window_judged_at
        ), due AS (
            UPDATE flights f SET due_at = greatest(now(), f.earliest_at)
            WHERE f.message_id IN (
                SELECT x.message_id FROM edited JOIN flights x ON x.mailing_id = edited.id
                WHERE x.released_at IS NULL AND x.due_at > greatest(now(), x.earliest_at)
                LIMIT $1 FOR UPDATE OF x SKIP LOCKED
            )
            RETURNING 1
        ), judged AS (
            UPDATE mailing_work w SET window_judged_at = edited.window_edited_at FROM edited
            WHERE w.mailing_id = edited.id AND NOT EXISTS (SELECT 1 FROM due)
        )
        SELECT count(*) FROM due
        """,
        limit,
    )
    return value


async def judge_moved_anew(pool: Pool, waiting: Sequence[Due]) -> None:
    """Makes those of these waiting flights due again whose client has another zone than the chunk judged them by.

    Who edits a zone makes the client's waiting flights due after the commit; those of a chunk that had not committed
    by then are found here.
    """
    await pool.execute(
        """
        UPDATE flights f SET due_at = greatest(now(), f.earliest_at)
        FROM unnest($1::bigint[], $2::text[]) AS v (message_id, timezone), clients c
        WHERE f.message_id = v.message_id AND c.id = f.client_id AND c.timezone <> v.timezone
            AND f.released_at IS NULL AND f.due_at > now()
        """,
        [one.message_id for one in waiting],
        [one.timezone for one in waiting],
    )


async def read_load(pool: Pool) -> tuple[dict[int, int], int]:
    """Reads (messages in flight of each mailing: released and due; results ever folded)."""
    rows = await pool.fetch(
        """
        SELECT f.mailing_id, count(*) AS in_flight FROM flights f
        WHERE f.released_at IS NOT NULL AND f.due_at <= now() GROUP BY 1
        UNION ALL SELECT NULL, results FROM fence
        """
    )
    counts = {row["mailing_id"]: row["in_flight"] for row in rows}
    return counts, counts.pop(None)
