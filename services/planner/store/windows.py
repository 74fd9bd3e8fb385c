"""Send windows that were edited, or whose client moved to another zone: waiting flights are judged again."""

from collections.abc import Sequence

from services.planner.store.releases import DueFlight
from shared.database import Pool


async def recheck_edited(pool: Pool, limit: int) -> int:
    """Makes up to `limit` waiting flights due whose mailing's window was edited, so that the new window judges them.

    Returns how many there were; 0 means that none is left.
    """
    value: int = await pool.fetchval(
        """
        WITH edited AS (
            -- Mailings whose flights were judged by an earlier window.
            SELECT m.id, m.window_edited_at FROM mailings m JOIN mailing_work w ON w.mailing_id = m.id
            WHERE m.finished_at IS NULL AND m.window_edited_at IS NOT NULL
                AND m.window_edited_at IS DISTINCT FROM w.window_judged_at
        ), due AS (
            -- A retry that the provider wants later keeps its time.
            UPDATE flights f SET due_at = greatest(now(), f.earliest_at)
            WHERE f.message_id IN (
                SELECT x.message_id FROM edited JOIN flights x ON x.mailing_id = edited.id
                WHERE x.released_at IS NULL AND x.due_at > greatest(now(), x.earliest_at)
                LIMIT $1 FOR UPDATE OF x SKIP LOCKED
            )
            RETURNING 1
        ), judged AS (
            -- Once no flight is left, the mailing counts as judged by this edit.
            UPDATE mailing_work w SET window_judged_at = edited.window_edited_at FROM edited
            WHERE w.mailing_id = edited.id AND NOT EXISTS (SELECT 1 FROM due)
        )
        SELECT count(*) FROM due
        """,
        limit,
    )
    return value


async def recheck_moved_clients(pool: Pool, waiting: Sequence[DueFlight]) -> None:
    """Makes those of these waiting flights due whose client has another zone than the one they were judged by.

    An edit of a zone makes the client's waiting flights due after its commit. It cannot see the flights of a chunk
    that has not committed by then; they are found here.
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
