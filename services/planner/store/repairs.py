"""Repairs: flights whose job should be on the broker and is not."""

from dataclasses import dataclass

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class Repair:
    """A job to be published again."""

    message_id: int
    mailing_id: int
    client_id: int
    attempt: int


async def can_sweep(pool: Pool) -> bool:
    """Returns whether a dispatcher consumes jobs now. Only then is a job that waits long a lost one."""
    value: bool = await pool.fetchval(
        "SELECT EXISTS (SELECT 1 FROM workers WHERE sending AND beat_at > clock_timestamp() - interval '5 s')"
    )
    return value


async def take_vanished(pool: Pool, limit: int) -> list[Repair]:
    """Takes unclaimed flights that were due on the broker more than 20 s ago: the broker lost their jobs."""
    rows = await pool.fetch(
        """
        UPDATE flights f SET released_at = clock_timestamp()
        WHERE f.message_id IN (
            SELECT x.message_id FROM flights x JOIN mailings m ON m.id = x.mailing_id
            WHERE x.released_at < now() - interval '20 s' AND x.due_at < now() - interval '20 s'
                AND x.claimed_number = x.folded_number AND m.status = 'running'
            ORDER BY x.due_at LIMIT $1 FOR UPDATE OF x SKIP LOCKED
        )
        RETURNING f.message_id, f.mailing_id, f.client_id, f.claimed_number + 1 AS attempt
        """,
        limit,
    )
    return [Repair(**row) for row in rows]


async def put_back_stale(pool: Pool, limit: int) -> list[Repair]:
    """Puts flights back into the table whose claim is stale: their dispatcher is gone, and so may be their jobs.

    From there they are released under the claimed number, so that a job is sent only if its claim is still open and
    stale. The release waits for the window and for the end of a pause, which a claim does not take over in: published
    here, a job more of each would go round in the retry queues with every sweep.
    """
    rows = await pool.fetch(
        """
        UPDATE flights f SET released_at = NULL, due_at = clock_timestamp()
        WHERE f.message_id IN (
            SELECT x.message_id FROM flights x
            WHERE x.claimed_number > x.folded_number AND x.claimed_at < now() - interval '15 s'
                AND x.released_at < now() - interval '15 s' AND claim_is_stale(x.claimed_by, x.claimed_at)
            LIMIT $1 FOR UPDATE OF x SKIP LOCKED
        )
        RETURNING f.message_id, f.mailing_id, f.client_id, f.claimed_number AS attempt
        """,
        limit,
    )
    return [Repair(**row) for row in rows]


async def delete_silent_workers(pool: Pool) -> None:
    """Deletes the names of dispatchers that have been silent for a day."""
    await pool.execute("DELETE FROM workers WHERE beat_at < now() - interval '1 day'")
