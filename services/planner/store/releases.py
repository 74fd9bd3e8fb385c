"""Release: which flights become jobs now, which wait for their window, and how many are in flight."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class LockedRelease:
    """A mailing locked for one chunk. Messages up to the id `cursor` have had a flight."""

    cursor: int
    began_at: datetime


@dataclass(frozen=True, slots=True)
class DueFlight:
    """A flight whose job must be published, unless it `waits` for its window in its client's time zone."""

    message_id: int
    client_id: int
    attempt: int
    waits: bool
    timezone: str


async def lock_release(connection: Connection, owner: UUID, mailing_id: int) -> LockedRelease | None:
    """Locks a mailing for one chunk. Returns None if nothing may be released now or `owner` lost the lease."""
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
    return None if row is None else LockedRelease(cursor=row["release_cursor"], began_at=row["began_at"])


async def take_waiting(connection: Connection, mailing_id: int, limit: int) -> list[DueFlight]:
    """Takes flights that wait in the table and are due: retries, jobs put back, and those left by a crash.

    A flight whose client's window is closed goes on waiting until it opens.
    """
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT message_id, client_id, claimed_number FROM flights
            WHERE mailing_id = $1 AND released_at IS NULL AND due_at <= now()
            ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), judged AS (
            -- The window as it is now: the mailing's row is locked, so no edit can follow unseen.
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
    return [DueFlight(**row) for row in rows]


async def take_fresh(connection: Connection, mailing_id: int, cursor: int, limit: int) -> list[DueFlight]:
    """Makes flights for the next messages after the cursor, and moves the cursor.

    A message whose client's window is closed gets a flight that waits until it opens. A message whose client was
    deleted meanwhile gets none: it is settled as cancelled.
    """
    rows = await connection.fetch(
        """
        WITH fresh AS (
            -- Rows are compared whole, so that only the index on (mailing_id, id) fits. With the ids compared alone, a
            -- plan for the average mailing walks the primary key, through all messages of the others.
            SELECT id, client_id, status FROM messages
            WHERE (mailing_id, id) > ($1, $2) AND (mailing_id, id) <= ($1, 9223372036854775807)
            ORDER BY mailing_id, id LIMIT $3
        ), made AS (
            INSERT INTO flights (message_id, mailing_id, client_id, due_at)
            SELECT x.id, $1, x.client_id, window_opens_at(m.window_from, m.window_to, c.timezone, now())
            FROM fresh x JOIN clients c ON c.id = x.client_id JOIN mailings m ON m.id = $1
            WHERE x.status = 'pending' AND c.deleted_at IS NULL
            ORDER BY x.id
            -- A resend may have made a flight already.
            ON CONFLICT (message_id) DO NOTHING
            RETURNING message_id, client_id, due_at
        ), moved AS (
            -- Over every message looked at, also those that need no flight.
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
    return [DueFlight(**row) for row in rows]


async def mark_released(pool: Pool, message_ids: Sequence[int], began_at: datetime) -> None:
    """Marks flights as on the broker.

    A flight that a dispatcher has put back meanwhile is due later than the chunk began, and stays in the table.
    """
    await pool.execute(
        """
        UPDATE flights SET released_at = clock_timestamp()
        WHERE message_id = ANY ($1::bigint[]) AND released_at IS NULL AND due_at <= $2
        """,
        message_ids,
        began_at,
    )


async def read_in_flight(pool: Pool) -> tuple[dict[int, int], int]:
    """Returns how many messages of each mailing are in flight, and how many results were ever folded.

    In flight are messages that are released and due.
    """
    rows = await pool.fetch(
        """
        SELECT f.mailing_id, count(*) AS in_flight FROM flights f
        WHERE f.released_at IS NOT NULL AND f.due_at <= now() GROUP BY 1
        UNION ALL SELECT NULL, results FROM fence
        """
    )
    counts = {row["mailing_id"]: row["in_flight"] for row in rows}
    return counts, counts.pop(None)
