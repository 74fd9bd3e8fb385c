"""Leases: which planner works on which mailing."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class Lease:
    """A mailing that this planner alone serves for up to 10 s.

    `expanding`: its audience is not complete yet. `fresh`: it has messages that never had a flight. `unconfirmed`: an
    earlier owner of the lease may not have published all that it released. `traceparent`: the trace that it comes from.
    """

    mailing_id: int
    expanding: bool
    fresh: bool
    unconfirmed: bool
    request_id: str | None
    traceparent: str | None = None


async def acquire(
    pool: Pool, owner: UUID, *, release: bool, most: int, passing_over: Sequence[int] = ()
) -> list[Lease]:
    """Leases up to `most` mailings that have work, the one served longest ago first, except those in `passing_over`.

    Mailings to be released are leased only with `release`; mailings to be expanded always are. The transaction ends
    with the statement, so no operator waits for a planner. A lease that its planner does not give back ends after 10 s.
    """
    rows = await pool.fetch(
        """
        WITH picked AS (
            SELECT w.mailing_id, m.request_id, m.traceparent FROM mailing_work w
            JOIN mailings m ON m.id = w.mailing_id
            WHERE m.finished_at IS NULL AND m.status IN ('running', 'paused') AND w.leased_until < now()
                AND w.mailing_id <> ALL ($4::bigint[])
                AND (
                    -- To be expanded, also while it is paused.
                    NOT w.expansion_done
                    -- To be released.
                    OR (
                        $2 AND m.status = 'running' AND w.closing_at IS NULL
                        AND (
                            -- Messages that never had a flight, or flights that nobody saw confirmed.
                            w.release_cursor < w.last_message_id OR w.confirmed_cursor < w.release_cursor
                            -- A flight that waits in the table and is due.
                            OR EXISTS (
                                SELECT 1 FROM flights f
                                WHERE f.mailing_id = w.mailing_id AND f.released_at IS NULL AND f.due_at <= now()
                            )
                        )
                    )
                )
            ORDER BY w.served_at, w.mailing_id LIMIT $3
            FOR NO KEY UPDATE OF w SKIP LOCKED
        )
        UPDATE mailing_work w
        SET owner = $1, leased_until = now() + interval '10 s', served_at = clock_timestamp()
        FROM picked WHERE w.mailing_id = picked.mailing_id
        RETURNING w.mailing_id, NOT w.expansion_done AS expanding, w.release_cursor < w.last_message_id AS fresh,
            w.confirmed_cursor < w.release_cursor AS unconfirmed, picked.request_id, picked.traceparent
        """,
        owner,
        release,
        most,
        passing_over,
    )
    return [Lease(**row) for row in rows]


async def renew(pool: Pool, owner: UUID, mailing_ids: Sequence[int]) -> None:
    """Lets those of these leases that this planner still has end 10 s from now."""
    await pool.execute(
        "UPDATE mailing_work SET leased_until = now() + interval '10 s' WHERE owner = $1 AND mailing_id = ANY ($2)",
        owner,
        mailing_ids,
    )


async def give_back(pool: Pool, owner: UUID, mailing_ids: Sequence[int], *, confirmed: bool) -> None:
    """Ends these leases, so that any planner may acquire them.

    With `confirmed`, every job up to the release cursor is on the broker or its flight waits in the table.
    """
    await pool.execute(
        """
        UPDATE mailing_work SET leased_until = now(),
            confirmed_cursor = CASE WHEN $3 THEN release_cursor ELSE confirmed_cursor END
        WHERE owner = $1 AND mailing_id = ANY ($2::bigint[])
        """,
        owner,
        mailing_ids,
        confirmed,
    )
