"""Clients whose unsent messages must be settled: deleted ones, and those on the stop list."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class LeavingClient:
    """A client who is deleted or on the stop list, with messages that may be settled now.

    `claims_due`: results of open claims are not waited for any longer.
    """

    client_id: int
    claims_due: bool


async def list_deleted_clients(pool: Pool, passing_over: Sequence[int] = ()) -> list[LeavingClient]:
    """Lists up to 1,000 deleted clients with messages that may be settled now, except those in `passing_over`.

    A client that only waits for results is not among them, so that a thousand of these hold nobody up.
    """
    rows = await pool.fetch(
        """
        SELECT id AS client_id, claims_due FROM (
            -- A result that has not come by then may never come, and the mailing's end can be far away.
            SELECT id, deleted_at < clock_timestamp() - interval '60 s' AS claims_due FROM clients
            WHERE deleted_at IS NOT NULL AND settled_at IS NULL AND id <> ALL ($1::bigint[])
        ) AS c
        WHERE EXISTS (
            SELECT 1 FROM messages m LEFT JOIN flights f ON f.message_id = m.id
            WHERE m.client_id = c.id AND m.status IN ('pending', 'retrying') AND (
                f.message_id IS NULL OR f.claimed_number <= f.folded_number
                OR c.claims_due OR claim_is_stale(f.claimed_by, f.claimed_at)
            )
        )
        ORDER BY id LIMIT 1000
        """,
        passing_over,
    )
    return [LeavingClient(**row) for row in rows]


async def mark_clients_settled(pool: Pool) -> None:
    """Marks up to 1,000 deleted clients without unsettled messages as settled, 30 s after their deletion.

    Statements end after 15 s, so no expansion or release can still see the client by then. A flight that such a
    release made for a message already settled is removed here.
    """
    await pool.execute(
        """
        WITH done AS (
            UPDATE clients SET settled_at = now()
            WHERE id IN (
                SELECT c.id FROM clients c
                WHERE c.deleted_at < now() - interval '30 s' AND c.settled_at IS NULL
                    AND NOT EXISTS (
                        SELECT 1 FROM messages m WHERE m.client_id = c.id AND m.status IN ('pending', 'retrying')
                    )
                ORDER BY c.id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
            )
            RETURNING id
        )
        DELETE FROM flights f USING done, messages m WHERE m.client_id = done.id AND f.message_id = m.id
        """
    )


async def list_opted_out_clients(pool: Pool, passing_over: Sequence[int] = ()) -> list[LeavingClient]:
    """Lists up to 1,000 clients on the stop list with messages that may be settled now: see `list_deleted_clients`."""
    rows = await pool.fetch(
        """
        SELECT id AS client_id, claims_due FROM (
            -- The mark is an edit of the client.
            SELECT id, updated_at < clock_timestamp() - interval '60 s' AS claims_due FROM clients
            WHERE suppression_id IS NOT NULL AND suppression_settled_at IS NULL AND id <> ALL ($1::bigint[])
        ) AS c
        WHERE EXISTS (
            SELECT 1 FROM messages m LEFT JOIN flights f ON f.message_id = m.id
            WHERE m.client_id = c.id AND m.status IN ('pending', 'retrying') AND (
                f.claimed_number <= f.folded_number OR f.message_id IS NULL
                OR c.claims_due OR claim_is_stale(f.claimed_by, f.claimed_at)
            )
        )
        ORDER BY id LIMIT 1000
        """,
        passing_over,
    )
    return [LeavingClient(**row) for row in rows]


async def mark_opt_outs_settled(pool: Pool) -> None:
    """Marks up to 1,000 clients on the stop list without unsettled messages as settled: see `mark_clients_settled`."""
    await pool.execute(
        """
        UPDATE clients SET suppression_settled_at = now()
        WHERE id IN (
            SELECT c.id FROM clients c
            WHERE c.suppression_id IS NOT NULL AND c.suppression_settled_at IS NULL
                AND c.updated_at < now() - interval '30 s'
                AND NOT EXISTS (
                    SELECT 1 FROM messages m WHERE m.client_id = c.id AND m.status IN ('pending', 'retrying')
                )
            ORDER BY c.id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
        )
        """
    )
