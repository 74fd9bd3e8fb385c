"""The SQL statements of closing: what must be settled, under which locks, and the settling itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.database import Connection, Pool
from shared.statuses import SettledStatus

# For each message that a chunk may settle, so many are looked at.
LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class ClosingMailing:
    """A mailing whose unsent messages must be settled. It has `total` messages.

    `expansion_over`: no message can be added any more. `claims_due`: results of open claims are not waited for any
    longer. Messages up to the id `release_cursor` have had a flight.
    """

    mailing_id: int
    cancelled: bool
    paused: bool
    expansion_over: bool
    claims_due: bool
    total: int
    release_cursor: int


@dataclass(frozen=True, slots=True)
class LockedMessages:
    """Unsent messages that are locked for settling. All up to the id `upto` were looked at; None: there are no more."""

    ids: list[int]
    upto: int | None


async def begin_closing(pool: Pool) -> list[tuple[int, str | None]]:
    """Sets closing_at on mailings whose end has come. From then on the API refuses edits of them.

    Returns (mailing id, request id) of each.
    """
    rows = await pool.fetch(
        """
        WITH ended AS (
            SELECT m.id FROM mailings m
            JOIN mailing_work w ON w.mailing_id = m.id
            WHERE m.finished_at IS NULL AND m.status IN ('running', 'paused')
                AND m.end_at <= clock_timestamp() AND w.closing_at IS NULL
            FOR NO KEY UPDATE OF m SKIP LOCKED
        ), closing AS (
            -- The end is compared again under the row lock: an edit may just have moved it.
            UPDATE mailing_work w SET closing_at = clock_timestamp()
            FROM ended, mailings m
            WHERE w.mailing_id = ended.id AND m.id = ended.id AND m.end_at <= clock_timestamp() AND w.closing_at IS NULL
            RETURNING w.mailing_id, m.request_id
        ), recorded AS (
            INSERT INTO events (mailing_id, kind, request_id) SELECT mailing_id, 'closing', request_id FROM closing
        )
        SELECT mailing_id, request_id FROM closing
        """
    )
    return [(row["mailing_id"], row["request_id"]) for row in rows]


async def begin_cancelled(pool: Pool) -> None:
    """Sets closing_at on cancelled mailings, to the moment of the cancel: their last resort counts from it."""
    await pool.execute(
        """
        UPDATE mailing_work w SET closing_at = m.updated_at FROM mailings m
        WHERE m.id = w.mailing_id AND m.finished_at IS NULL AND m.status = 'cancelled' AND w.closing_at IS NULL
        """
    )


async def list_closing(pool: Pool) -> list[ClosingMailing]:
    """Lists mailings that are cancelled or past their end and have unsettled messages, the smallest first."""
    rows = await pool.fetch(
        """
        SELECT m.id AS mailing_id, m.status = 'cancelled' AS cancelled, m.status = 'paused' AS paused,
            m.status = 'cancelled' OR w.expansion_done AS expansion_over,
            -- No request is open after the end, so a fence published later proves that all results are folded.
            -- Without one, claims are settled after 25 s all the same, so that every mailing is finished in time; those
            -- of a cancelled mailing after 60 s, if that comes first.
            (m.status <> 'cancelled' AND f.folded_at > m.end_at + interval '1 s')
                OR clock_timestamp() > m.end_at + interval '25 s'
                OR (m.status = 'cancelled' AND clock_timestamp() > w.closing_at + interval '60 s') AS claims_due,
            c.total, w.release_cursor
        FROM mailings m
        JOIN mailing_work w ON w.mailing_id = m.id
        JOIN mailing_counts c ON c.mailing_id = m.id
        CROSS JOIN fence f
        WHERE m.finished_at IS NULL AND w.closing_at IS NOT NULL AND c.pending + c.retrying > 0
        ORDER BY c.total, m.id
        """
    )
    return [ClosingMailing(**row) for row in rows]


async def has_unsent_without_flight(pool: Pool, mailing_id: int) -> bool:
    """Returns whether a mailing has unsent messages that have no flight."""
    value: bool = await pool.fetchval(
        """
        SELECT c.pending + c.retrying > (SELECT count(*) FROM flights f WHERE f.mailing_id = $1)
        FROM mailing_counts c WHERE c.mailing_id = $1
        """,
        mailing_id,
    )
    return value


@dataclass(frozen=True, slots=True)
class DeletedClient:
    """A deleted client with messages that may be settled now.

    `claims_due`: results of open claims are not waited for any longer.
    """

    client_id: int
    claims_due: bool


async def list_deleted_clients(pool: Pool, passing_over: Sequence[int] = ()) -> list[DeletedClient]:
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
    return [DeletedClient(**row) for row in rows]


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


async def list_opted_out_clients(pool: Pool) -> list[int]:
    """Lists clients on the stop list that may still have unsettled messages."""
    rows = await pool.fetch(
        """
        SELECT id FROM clients WHERE suppression_id IS NOT NULL AND suppression_settled_at IS NULL
        ORDER BY id LIMIT 1000
        """
    )
    return [row["id"] for row in rows]


async def mark_opt_outs_settled(pool: Pool, client_ids: Sequence[int]) -> None:
    """Marks clients on the stop list as settled, 30 s after they were put on it: see `mark_clients_settled`."""
    await pool.execute(
        """
        UPDATE clients c SET suppression_settled_at = now()
        FROM suppressions s
        WHERE c.id = ANY ($1::bigint[]) AND c.suppression_id = s.id AND c.suppression_settled_at IS NULL
            AND greatest(s.since, c.updated_at) < now() - interval '30 s'
            AND NOT EXISTS (
                SELECT 1 FROM messages m WHERE m.client_id = c.id AND m.status IN ('pending', 'retrying')
            )
        """,
        client_ids,
    )


async def allow_pauses(connection: Connection) -> None:
    """Lets this transaction stand still for 5 s, and not only for the second that a planner's sessions have.

    It locks no mailing, so no operator waits for it, and a starved machine needs long for thousands of messages.
    """
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '5 s'")


async def lock_unsent_of_mailing(connection: Connection, mailing_id: int, above: int, limit: int) -> LockedMessages:
    """Locks unsent messages of a mailing, in id order.

    No index holds the unsent ones alone, since every success would have to be taken out of it. So a call looks at a
    bounded number of messages, and may find none of them unsent.
    """
    looked = await connection.fetchrow(
        """
        SELECT count(*) AS looked, max(id) AS upto,
            array_agg(id ORDER BY id) FILTER (WHERE status IN ('pending', 'retrying')) AS ids
        FROM (
            SELECT id, status FROM messages
            WHERE (mailing_id, id) > ($1, $2) AND (mailing_id, id) <= ($1, 9223372036854775807)
            ORDER BY mailing_id, id LIMIT $3
        ) AS looked
        """,
        mailing_id,
        above,
        LOOKED_AT * limit,
    )
    assert looked is not None  # noqa: S101 - an aggregate without GROUP BY has one row
    found = looked["ids"] or []
    if len(found) > limit:
        return LockedMessages(await _lock(connection, found[:limit]), found[limit - 1])
    more = looked["looked"] == LOOKED_AT * limit
    return LockedMessages(await _lock(connection, found), looked["upto"] if more else None)


async def lock_unsent_in_flight(connection: Connection, mailing_id: int, above: int, limit: int) -> LockedMessages:
    """Locks unsent messages of a mailing that have a flight, in id order. Reads the small table, not the big one."""
    rows = await connection.fetch(
        "SELECT message_id FROM flights WHERE mailing_id = $1 AND message_id > $2 ORDER BY message_id LIMIT $3",
        mailing_id,
        above,
        limit,
    )
    ids = [row["message_id"] for row in rows]
    return LockedMessages(await _lock(connection, ids), ids[-1] if len(ids) == limit else None)


async def lock_unsent_of_client(connection: Connection, client_id: int, above: int, limit: int) -> LockedMessages:
    """Locks unsent messages of a client, in id order."""
    rows = await connection.fetch(
        """
        SELECT id FROM messages WHERE client_id = $1 AND id > $2 AND status IN ('pending', 'retrying')
        ORDER BY id LIMIT $3
        """,
        client_id,
        above,
        limit,
    )
    ids = [row["id"] for row in rows]
    return LockedMessages(await _lock(connection, ids), ids[-1] if len(ids) == limit else None)


async def _lock(connection: Connection, message_ids: Sequence[int]) -> list[int]:
    """Locks those of these messages that are still unsent, in id order."""
    if not message_ids:
        return []
    rows = await connection.fetch(
        """
        SELECT id FROM messages WHERE id = ANY ($1::bigint[]) AND status IN ('pending', 'retrying')
        ORDER BY id FOR NO KEY UPDATE
        """,
        message_ids,
    )
    return [row["id"] for row in rows]


async def read_last_failures(connection: Connection, message_ids: Sequence[int]) -> dict[int, tuple[str, int | None]]:
    """Reads the outcome and the HTTP status of the last attempt on record of each of these messages."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (message_id) message_id, outcome, http_status FROM attempts
        WHERE message_id = ANY ($1::bigint[]) AND outcome <> 'lost' ORDER BY message_id, number DESC
        """,
        message_ids,
    )
    return {row["message_id"]: (row["outcome"], row["http_status"]) for row in rows}


@dataclass(frozen=True, slots=True)
class LockedFlight:
    """A flight locked for settling. `open`: it is claimed, and the result is not folded.

    `shut_out`: it waits for its client's window, which does not open before the mailing's end.
    """

    open: bool
    stale: bool
    claimed_number: int
    folded_number: int
    shut_out: bool


async def lock_flights(connection: Connection, message_ids: Sequence[int]) -> tuple[dict[int, LockedFlight], set[int]]:
    """Locks those flights of these messages that nobody else has locked.

    Returns them by message id, and the ids of all messages that have a flight. A flight that could not be locked is
    being claimed at this moment, and must be left alone.
    """
    rows = await connection.fetch(
        """
        SELECT f.message_id, f.claimed_number > f.folded_number AS open, f.claimed_number, f.folded_number,
            f.released_at IS NULL AND m.window_from IS NOT NULL AND f.due_at >= m.end_at
                AND (f.earliest_at IS NULL OR f.earliest_at < m.end_at) AS shut_out,
            f.claimed_number > f.folded_number AND claim_is_stale(f.claimed_by, f.claimed_at) AS stale
        FROM flights f JOIN mailings m ON m.id = f.mailing_id
        WHERE f.message_id = ANY ($1::bigint[])
        ORDER BY f.message_id FOR UPDATE OF f SKIP LOCKED
        """,
        message_ids,
    )
    # A second statement has a second snapshot, so it sees a flight made while the first one ran.
    existing = await connection.fetch(
        "SELECT message_id FROM flights WHERE message_id = ANY ($1::bigint[])", message_ids
    )
    locked = {
        row["message_id"]: LockedFlight(
            open=row["open"],
            stale=row["stale"],
            claimed_number=row["claimed_number"],
            folded_number=row["folded_number"],
            shut_out=row["shut_out"],
        )
        for row in rows
    }
    return locked, {row["message_id"] for row in existing}


async def list_unreachable(connection: Connection, mailing_id: int, message_ids: Sequence[int]) -> list[int]:
    """Lists those of these messages whose client's window is never open between the mailing's start and end.

    The statement judges each time zone once.
    """
    rows = await connection.fetch(
        """
        WITH asked AS MATERIALIZED (
            SELECT m.id, c.timezone FROM messages m JOIN clients c ON c.id = m.client_id
            WHERE m.id = ANY ($2::bigint[])
        ), shut AS MATERIALIZED (
            SELECT z.timezone FROM (SELECT DISTINCT timezone FROM asked) AS z, mailings g
            WHERE g.id = $1 AND g.window_from IS NOT NULL
                AND window_opens_at(g.window_days, g.window_from, g.window_to, z.timezone, g.start_at) >= g.end_at
        )
        SELECT id FROM asked JOIN shut USING (timezone)
        """,
        mailing_id,
        message_ids,
    )
    return [row["id"] for row in rows]


async def settle(
    connection: Connection,
    message_ids: Sequence[int],
    status: SettledStatus,
    reasons: Sequence[str],
    attempts: Sequence[int],
) -> int:
    """Makes these messages final, each with its reason and its number of attempts. Returns how many moved."""
    moved: int = await connection.fetchval(
        """
        SELECT count(*) FROM settle(
            $1::bigint[], array_fill($2::message_status, ARRAY[cardinality($1::bigint[])]), $3::text[], $4::int[],
            array_fill(now(), ARRAY[cardinality($1::bigint[])]), NULL, NULL, NULL
        )
        """,
        message_ids,
        status,
        reasons,
        attempts,
    )
    return moved
