"""Leases, and the expansion that is done under one."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Turn:
    """A mailing leased for one turn."""

    mailing_id: int
    expanding: bool
    request_id: str | None


async def lease(pool: Pool, owner: UUID, *, release: bool, most: int, passing_over: Sequence[int] = ()) -> list[Turn]:
    """Leases mailings that have work, the oldest served first.

    With `release` false only those to be expanded; those passed over may still be, too.

    The transaction ends with the statement: nothing an operator does waits for a planner. A lease of 10 s
    that its planner did not give back is free for others. Unreleased messages are looked for in the order of
    their index, since a mere EXISTS was planned as a scan of the whole table.
    """
    rows = await pool.fetch(
        """
        WITH picked AS (
            SELECT w.mailing_id, m.request_id FROM mailing_work w
            JOIN mailings m ON m.id = w.mailing_id
            WHERE m.finished_at IS NULL AND m.status IN ('running', 'paused') AND w.leased_until < now()
                AND (
                    NOT w.expansion_done
                    OR (
                        $2 AND m.status = 'running' AND w.closing_at IS NULL AND w.mailing_id <> ALL ($4::bigint[])
                        AND (
                            (
                                SELECT x.id FROM messages x
                                WHERE (x.mailing_id, x.id) > (w.mailing_id, w.release_cursor)
                                    AND (x.mailing_id, x.id) <= (w.mailing_id, 9223372036854775807)
                                ORDER BY x.mailing_id, x.id LIMIT 1
                            ) IS NOT NULL
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
    return [Turn(row["mailing_id"], row["expanding"], row["request_id"]) for row in rows]


async def give_back(pool: Pool, owner: UUID, mailing_ids: Sequence[int]) -> None:
    """Ends the leases, so that whoever is free takes the next turn."""
    await pool.execute(
        "UPDATE mailing_work SET leased_until = now() WHERE owner = $1 AND mailing_id = ANY ($2::bigint[])",
        owner,
        mailing_ids,
    )


@dataclass(frozen=True, slots=True)
class Audience:
    """What one expansion chunk works on, held under the mailing's and the lease's row locks."""

    cursor: int
    upper_client_id: int
    operator_codes: list[str]
    tags: list[str]


@dataclass(frozen=True, slots=True)
class Added:
    """What a chunk added: messages with ids from `first_id` to `last_id`, among which may be ids of other mailings.

    `upto` is the id of the last client looked at, None when there was none.
    """

    messages: int
    upto: int | None
    first_id: int | None
    last_id: int | None


async def hold_audience(connection: Connection, owner: UUID, mailing_id: int) -> Audience | None:
    """Holds a mailing for one chunk; None if it is no longer to be expanded, or no longer leased by `owner`."""
    mailing = await connection.fetchrow(
        "SELECT operator_codes, tags FROM mailings WHERE id = $1 AND status IN ('running', 'paused') FOR SHARE",
        mailing_id,
    )
    work = await connection.fetchrow(
        """
        SELECT expansion_cursor, upper_client_id FROM mailing_work
        WHERE mailing_id = $1 AND owner = $2 AND NOT expansion_done FOR NO KEY UPDATE
        """,
        mailing_id,
        owner,
    )
    if mailing is None or work is None:
        return None
    return Audience(work["expansion_cursor"], work["upper_client_id"], mailing["operator_codes"], mailing["tags"])


async def add_messages(connection: Connection, mailing_id: int, audience: Audience, size: int) -> Added:
    """Adds a message for each matching client among the next `size` clients by id."""
    row = await connection.fetchrow(
        """
        WITH range AS (
            SELECT max(id) AS upto FROM (
                SELECT id FROM clients WHERE id > $2 AND id <= $3 ORDER BY id LIMIT $4
            ) AS next
        ), added AS (
            INSERT INTO messages (mailing_id, client_id)
            SELECT $1, c.id FROM clients c
            WHERE c.id > $2 AND c.id <= (SELECT upto FROM range) AND c.deleted_at IS NULL
                AND (cardinality($5::text[]) = 0 OR c.operator_code = ANY ($5::text[]))
                AND (cardinality($6::text[]) = 0 OR c.tag = ANY ($6::text[]))
            ORDER BY c.id
            ON CONFLICT (client_id, mailing_id) DO NOTHING
            RETURNING id
        )
        SELECT (SELECT upto FROM range) AS upto, count(*) AS added, min(id) AS first_id, max(id) AS last_id FROM added
        """,
        mailing_id,
        audience.cursor,
        audience.upper_client_id,
        size,
        audience.operator_codes,
        audience.tags,
    )
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY has one row
    return Added(row["added"], row["upto"], row["first_id"], row["last_id"])


async def move_expansion(connection: Connection, mailing_id: int, *, cursor: int, done: bool, added: int) -> None:
    """Moves the cursor and the counters in the transaction that added the messages."""
    await connection.execute(
        "UPDATE mailing_work SET expansion_cursor = $2, expansion_done = $3 WHERE mailing_id = $1",
        mailing_id,
        cursor,
        done,
    )
    await connection.execute(
        "UPDATE mailing_counts SET total = total + $2, pending = pending + $2 WHERE mailing_id = $1",
        mailing_id,
        added,
    )
