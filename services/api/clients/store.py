"""Reads and writes the directory. Deleted clients keep their row, without the phone, and are invisible here."""

from collections.abc import Mapping, Sequence

import asyncpg

from services.api.audit.log import Origin, detail_of
from services.api.clients.responses import Client
from shared.database import Connection, Pool

# The columns of a client, as it is shown; the conditions of each statement follow.
_SELECT = """
    SELECT id, phone, operator_code, tag, timezone, created_at, updated_at FROM clients
    WHERE deleted_at IS NULL
    """

# Further conditions, by which of phone, operator_code and tag is given. One statement with "$3 IS NULL OR ..." would be
# shorter, but its cached plan would fit none of them: with a statement for each, every one walks an index of its own.
_CONDITIONS: Mapping[tuple[bool, bool, bool], str] = {
    (False, False, False): "",
    (False, True, False): " AND operator_code = $3",
    (False, False, True): " AND tag = $3",
    (False, True, True): " AND operator_code = $3 AND tag = $4",
    (True, False, False): " AND phone = $3",
    (True, True, False): " AND phone = $3 AND operator_code = $4",
    (True, False, True): " AND phone = $3 AND tag = $4",
    (True, True, True): " AND phone = $3 AND operator_code = $4 AND tag = $5",
}


class DuplicatePhone(Exception):
    """Another client that is not deleted has this phone."""


async def insert(pool: Pool, origin: Origin, *, phone: str, operator_code: str, tag: str, timezone: str) -> Client:
    """Inserts a client, and records the event. Raises DuplicatePhone."""
    try:
        (row,) = await pool.fetch(
            """
            WITH made AS (
                INSERT INTO clients (phone, operator_code, tag, timezone) VALUES ($1, $2, $3, $4)
                RETURNING id, phone, operator_code, tag, timezone, created_at, updated_at
            ), recorded AS (
                INSERT INTO events (client_id, kind, request_id, detail)
                SELECT id, 'created', $5, $6::text::jsonb FROM made
            )
            SELECT id, phone, operator_code, tag, timezone, created_at, updated_at FROM made
            """,
            phone,
            operator_code,
            tag,
            timezone,
            origin.request_id,
            detail_of(origin),
        )
    except asyncpg.UniqueViolationError:
        raise DuplicatePhone from None
    return Client.model_validate(dict(row))


async def get(pool: Pool, client_id: int) -> Client | None:
    return _client(await pool.fetchrow(_SELECT + " AND id = $1", client_id))


async def lock(connection: Connection, client_id: int) -> Client | None:
    """Locks a client until the transaction ends, and reads it as it is then."""
    return _client(await connection.fetchrow(_SELECT + " AND id = $1 FOR UPDATE", client_id))


async def find_by_phone(pool: Pool, phone: str) -> int | None:
    """Returns the id of the client that has this phone."""
    found: int | None = await pool.fetchval("SELECT id FROM clients WHERE phone = $1 AND deleted_at IS NULL", phone)
    return found


async def update(
    connection: Connection,
    client_id: int,
    *,
    phone: str | None = None,
    operator_code: str | None = None,
    tag: str | None = None,
    timezone: str | None = None,
) -> Client | None:
    """Sets the fields that are not None. Returns None if there is no such client. Raises DuplicatePhone."""
    try:
        row = await connection.fetchrow(
            """
            UPDATE clients
            SET phone = coalesce($2, phone), operator_code = coalesce($3, operator_code),
                tag = coalesce($4, tag), timezone = coalesce($5, timezone), updated_at = clock_timestamp()
            WHERE id = $1 AND deleted_at IS NULL
            RETURNING id, phone, operator_code, tag, timezone, created_at, updated_at
            """,
            client_id,
            phone,
            operator_code,
            tag,
            timezone,
        )
    except asyncpg.UniqueViolationError:
        raise DuplicatePhone from None
    return _client(row)


async def make_flights_due(connection: Connection | Pool, client_ids: Sequence[int]) -> None:
    """Makes the waiting flights of clients due, since their new zones may open the window earlier.

    A retry that is not due yet keeps its time. Called in the transaction of the edit, so that no crash loses it, and
    again after the commit, which sees flights whose release committed in between.
    """
    await connection.execute(
        """
        UPDATE flights SET due_at = greatest(now(), earliest_at)
        WHERE released_at IS NULL AND due_at > now()
            AND message_id IN (SELECT id FROM messages WHERE client_id = ANY ($1::bigint[]))
        """,
        client_ids,
    )


async def delete(connection: Connection, client_id: int, origin: Origin) -> bool:
    """Erases the phone and the tag, and hides the client. The planner then settles its unsent messages."""
    deleted = await connection.fetchval(
        """
        WITH deleted AS (
            UPDATE clients SET phone = NULL, tag = '', deleted_at = now(), updated_at = now()
            WHERE id = $1 AND deleted_at IS NULL
            RETURNING id
        )
        INSERT INTO events (client_id, kind, request_id, detail)
        SELECT id, 'deleted', $2, $3::text::jsonb FROM deleted
        RETURNING client_id
        """,
        client_id,
        origin.request_id,
        detail_of(origin),
    )
    return deleted is not None


async def page(
    pool: Pool, *, phone: str | None, operator_code: str | None, tag: str | None, after: int, limit: int
) -> list[Client]:
    """Lists clients by id that match every filter that is not None."""
    conditions = _CONDITIONS[phone is not None, operator_code is not None, tag is not None]
    given = [value for value in (phone, operator_code, tag) if value is not None]
    rows = await pool.fetch(_SELECT + " AND id > $1" + conditions + " ORDER BY id LIMIT $2", after, limit, *given)
    return [Client.model_validate(dict(row)) for row in rows]


async def zone_names(pool: Pool) -> list[str]:
    """Lists the time zones that the database knows."""
    return [row["name"] for row in await pool.fetch("SELECT name FROM pg_timezone_names")]


def _client(row: asyncpg.Record | None) -> Client | None:
    return None if row is None else Client.model_validate(dict(row))
