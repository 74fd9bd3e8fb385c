"""Announces edits to the dispatchers, and reads which of them have heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.api.edits.scope import EditScope
from shared.database import Pool
from shared.edits import EDITS_CHANNEL, LEASE


@dataclass(frozen=True, slots=True)
class AnnouncedEdit:
    """An edit that dispatchers must hear of, and the moment of its announcement by the database's clock."""

    id: int
    announced_at: datetime


async def has_messages(pool: Pool, scope: EditScope) -> bool:
    """Returns whether the scope has any message, whatever its status.

    Not whether one is on its way: a dispatcher may hold a message whose flight was settled meanwhile, by the result of
    one that had stood still. Called after the edit has committed: a message that this does not see is created under the
    new terms.
    """
    if scope.mailing_id is not None:
        found = await pool.fetchval("SELECT EXISTS (SELECT FROM messages WHERE mailing_id = $1)", scope.mailing_id)
    elif scope.client_ids is not None:
        query = "SELECT EXISTS (SELECT FROM messages WHERE client_id = ANY ($1::bigint[]))"
        found = await pool.fetchval(query, scope.client_ids)
    else:
        found = await pool.fetchval("SELECT EXISTS (SELECT FROM messages)")
    return bool(found)


async def announce(pool: Pool, scope: EditScope) -> AnnouncedEdit:
    """Adds an edit for the dispatchers to hear of, and hints at it.

    Not in the transaction of the edit itself: a notification there would make all commits wait for each other.
    """
    (row,) = await pool.fetch(
        """
        WITH old AS (
            -- No dispatcher looks back for more than 10 s. Another edit may be deleting the same ones.
            DELETE FROM edits WHERE id IN (
                SELECT id FROM edits WHERE edited_at < clock_timestamp() - interval '1 min'
                LIMIT 100 FOR UPDATE SKIP LOCKED
            )
        ), made AS (
            INSERT INTO edits (mailing_id, client_ids) VALUES ($1, $2::bigint[]) RETURNING id, edited_at
        ), hinted AS MATERIALIZED (
            SELECT pg_notify($3, '')
        )
        SELECT made.id, made.edited_at AS announced_at FROM made, hinted
        """,
        scope.mailing_id,
        scope.client_ids,
        EDITS_CHANNEL,
    )
    return AnnouncedEdit(**row)


async def list_processes(pool: Pool) -> list[UUID]:
    """Lists the dispatchers that there are. One that joins later claims under the new terms."""
    return [row["id"] for row in await pool.fetch("SELECT id FROM processes")]


async def find_unaware(pool: Pool, edit: AnnouncedEdit, processes: Sequence[UUID]) -> list[UUID]:
    """Finds those of these dispatchers that have not heard of an edit and whose lease may hold.

    A lease has run out when the last beat is LEASE old. No beat of a fenced process succeeds.
    """
    rows = await pool.fetch(
        """
        SELECT id FROM processes
        WHERE id = ANY ($3::uuid[]) AND beat_at > clock_timestamp() - $2::interval
            AND (fenced_at IS NOT NULL OR NOT heard @> ARRAY[$1::bigint])
        """,
        edit.id,
        LEASE,
        processes,
    )
    return [row["id"] for row in rows]


async def fence(pool: Pool, edit: AnnouncedEdit, unaware: Sequence[UUID], *, also_beating: bool) -> int:
    """Fences those that have not beaten since the announcement: their next beat fails. Returns how many there were.

    With `also_beating`, those that beat and have still not heard are fenced as well.
    """
    value: int = await pool.fetchval(
        """
        WITH fenced AS (
            UPDATE processes SET fenced_at = clock_timestamp()
            WHERE id = ANY ($3::uuid[]) AND fenced_at IS NULL AND NOT heard @> ARRAY[$1::bigint]
                AND ($4 OR beat_at < $2)
            RETURNING id
        )
        SELECT count(*) FROM fenced
        """,
        edit.id,
        edit.announced_at,
        unaware,
        also_beating,
    )
    return value
