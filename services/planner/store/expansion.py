"""Expansion: the clients of a frozen audience, and a message for each of them."""

from dataclasses import dataclass
from uuid import UUID

from shared.database import Connection


@dataclass(frozen=True, slots=True)
class LockedAudience:
    """The filter of a mailing and its range of clients, under the row locks of the mailing and of its lease.

    Clients up to the id `cursor` have been looked at; `upper_client_id` is the last client of the audience.
    """

    cursor: int
    upper_client_id: int
    operator_codes: list[str]
    tags: list[str]


@dataclass(frozen=True, slots=True)
class AddedMessages:
    """The messages that a chunk added. Between `first_id` and `last_id` other mailings may have ids, too.

    `upto` is the id of the last client looked at, None when there was none.
    """

    messages: int
    upto: int | None
    first_id: int | None
    last_id: int | None


async def lock_audience(connection: Connection, owner: UUID, mailing_id: int) -> LockedAudience | None:
    """Locks a mailing for one chunk. Returns None if its expansion is over or `owner` lost the lease."""
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
    return LockedAudience(
        cursor=work["expansion_cursor"],
        upper_client_id=work["upper_client_id"],
        operator_codes=mailing["operator_codes"],
        tags=mailing["tags"],
    )


async def add_messages(connection: Connection, mailing_id: int, audience: LockedAudience, size: int) -> AddedMessages:
    """Adds a message for each matching client among the next `size` clients by id."""
    row = await connection.fetchrow(
        """
        WITH range AS (
            -- The next clients of the audience, matching or not, by the primary key.
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
            -- A chunk that is repeated adds nothing twice.
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
    return AddedMessages(messages=row["added"], upto=row["upto"], first_id=row["first_id"], last_id=row["last_id"])


async def move_cursor(connection: Connection, mailing_id: int, *, cursor: int, done: bool, added: int) -> None:
    """Moves the cursor and the counters. Runs in the transaction that added the messages."""
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
