"""Leases: which planner works on which mailing."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class Lease:
    """A mailing that this planner alone serves for up to 10 s. `expanding`: its audience is not complete yet."""

    mailing_id: int
    expanding: bool
    request_id: str | None


async def acquire(
    pool: Pool, owner: UUID, *, release: bool, most: int, passing_over: Sequence[int] = ()
) -> list[Lease]:
    """Leases up to `most` mailings that have work, the one served longest ago first.

    Mailings to be released are leased only with `release`, and not those in `passing_over`; mailings to be expanded
    always are. The transaction ends with the statement, so no operator waits for a planner. A lease that its planner
    does not give back ends after 10 s.
    """
    rows = await pool.fetch(
        """
        WITH picked AS (
            SELECT w.mailing_id, m.request_id FROM mailing_work w
            JOIN mailings m ON m.id = w.mailing_id
            WHERE m.finished_at IS NULL AND m.status IN ('running', 'paused') AND w.leased_until < now()
                AND (
                    -- To be expanded, also while it is paused.
                    NOT w.expansion_done
                    -- To be released.
                    OR (
                        $2 AND m.status = 'running' AND w.closing_at IS NULL AND w.mailing_id <> ALL ($4::bigint[])
                        AND (
                            -- A message that never had a flight. A mere EXISTS was planned as a scan of the whole
                            -- table, so the first one is looked for in the order of the index.
                            (
                                SELECT x.id FROM messages x
                                WHERE (x.mailing_id, x.id) > (w.mailing_id, w.release_cursor)
                                    AND (x.mailing_id, x.id) <= (w.mailing_id, 9223372036854775807)
                                ORDER BY x.mailing_id, x.id LIMIT 1
                            ) IS NOT NULL
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
        RETURNING w.mailing_id, NOT w.expansion_done AS expanding, picked.request_id
        """,
        owner,
        release,
        most,
        passing_over,
    )
    return [Lease(**row) for row in rows]


async def give_back(pool: Pool, owner: UUID, mailing_ids: Sequence[int]) -> None:
    """Ends these leases, so that any planner may acquire them."""
    await pool.execute(
        "UPDATE mailing_work SET leased_until = now() WHERE owner = $1 AND mailing_id = ANY ($2::bigint[])",
        owner,
        mailing_ids,
    )
