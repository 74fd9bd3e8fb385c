"""Reads and writes the directory. Deleted clients keep their row, without the phone, and are invisible here."""

from collections.abc import Mapping, Sequence

import asyncpg
import orjson

from services.api.audit.log import Origin, detail_of
from services.api.clients.phone_search import patterns_of
from services.api.clients.responses import Client
from services.api.clients.values import ClientValues
from shared.database import Connection, Pool

# The columns of a client, as it is shown.
COLUMNS = """
    id, phone, operator_code, tag, CASE WHEN tag = '' THEN '{}' ELSE tag || further_tags END AS tags, timezone,
    external_id, attributes, created_at, updated_at
    """
# The conditions of each statement follow.
_SELECT = f"SELECT {COLUMNS} FROM clients WHERE deleted_at IS NULL"  # noqa: S608 - the columns are constant
# Clients with a tag, be it the first or another one, by id. Each of the two reads walks an index of its own.
_TAGGED = """ AND id IN (
        (SELECT id FROM clients WHERE tag = $3 AND deleted_at IS NULL AND id > $1 {own} ORDER BY id LIMIT $2)
        UNION ALL
        (
            SELECT t.client_id FROM client_tags t JOIN clients ON id = t.client_id
            WHERE t.tag = $3 AND t.client_id > $1 {own} ORDER BY t.client_id LIMIT $2
        )
    )"""

# Further conditions, by which of phone, external_id, operator_code and tag is given. One statement with "$3 IS NULL OR
# ..." would be shorter, but its cached plan would fit none of them: with a statement for each, every one walks an index
# of its own.
_BY_TAG: Mapping[tuple[bool, bool], str] = {
    (False, False): "",
    (True, False): " AND operator_code = $3",
    (False, True): _TAGGED.format(own=""),
    (True, True): _TAGGED.format(own="AND operator_code = $4"),
}
_WITHOUT_TAG = {False: " AND tag = ''", True: " AND operator_code = $3 AND tag = ''"}
# A phone or an external id names one client, whose other values are then compared.
_ONE = """ AND ($3::text IS NULL OR operator_code = $3)
    AND ($4::text IS NULL OR tag = $4 OR $4 = ANY (further_tags))"""


class DuplicatePhone(Exception):
    """Another client that is not deleted has this phone."""


class DuplicateExternalId(Exception):
    """Another client has this external id."""


def duplicate(error: asyncpg.UniqueViolationError) -> Exception:
    """Returns which value of a client another one has."""
    return DuplicateExternalId() if error.constraint_name == "clients_external" else DuplicatePhone()


async def insert(connection: Connection, origin: Origin, values: ClientValues, phone_hash: bytes | None) -> Client:
    """Inserts a client, and records the event. Raises DuplicatePhone and DuplicateExternalId.

    `phone_hash` finds the phone on the stop list; None while there is no such list. Call `share_stop_list` first,
    so that the list does not change meanwhile.
    """
    try:
        (row,) = await connection.fetch(
            f"""
            WITH made AS (
                INSERT INTO clients (phone, operator_code, tag, further_tags, timezone, external_id, attributes,
                    suppression_id)
                VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, (SELECT id FROM suppressions WHERE phone_hash = $8))
                RETURNING *
            ), recorded AS (
                INSERT INTO events (client_id, kind, request_id, detail)
                SELECT id, 'created', $9, $10::text::jsonb FROM made
            )
            SELECT {COLUMNS} FROM made
            """,  # noqa: S608 - the columns are constant
            *_columns(values),
            phone_hash,
            origin.request_id,
            detail_of(origin),
        )
    except asyncpg.UniqueViolationError as error:
        raise duplicate(error) from None
    return Client.model_validate(dict(row))


def _columns(values: ClientValues) -> tuple[object, ...]:
    return (
        values.phone,
        values.operator_code,
        values.tag,
        list(values.tags[1:]),
        values.timezone,
        values.external_id,
        orjson.dumps(values.attributes).decode(),
    )


async def get(pool: Pool, client_id: int) -> Client | None:
    return _client(await pool.fetchrow(_SELECT + " AND id = $1", client_id))


async def lock(connection: Connection, client_id: int) -> Client | None:
    """Locks a client until the transaction ends, and reads it as it is then."""
    return _client(await connection.fetchrow(_SELECT + " AND id = $1 FOR UPDATE", client_id))


async def find_by_phone(pool: Pool, phone: str) -> int | None:
    """Returns the id of the client that has this phone."""
    found: int | None = await pool.fetchval("SELECT id FROM clients WHERE phone = $1 AND deleted_at IS NULL", phone)
    return found


async def find_by_external_id(connection: Connection | Pool, external_id: str) -> int | None:
    """Returns the id of the client that has this external id."""
    found: int | None = await connection.fetchval("SELECT id FROM clients WHERE external_id = $1", external_id)
    return found


async def update(
    connection: Connection, client_id: int, values: ClientValues, phone_hash: bytes | None
) -> Client | None:
    """Writes all values. Returns None if there is no such client. Raises DuplicatePhone and DuplicateExternalId.

    `phone_hash` finds a new phone on the stop list: call `share_stop_list` first. With None the client stays on the
    list, or off it.
    """
    try:
        row = await connection.fetchrow(
            f"""
            UPDATE clients
            SET phone = $1, operator_code = $2, tag = $3, further_tags = $4, timezone = $5, external_id = $6,
                attributes = $7::text::jsonb, updated_at = clock_timestamp(),
                suppression_id = CASE WHEN $8::bytea IS NULL THEN suppression_id
                    ELSE (SELECT s.id FROM suppressions s WHERE s.phone_hash = $8) END,
                suppression_settled_at = CASE WHEN $8::bytea IS NULL THEN suppression_settled_at END
            WHERE id = $9 AND deleted_at IS NULL
            RETURNING {COLUMNS}
            """,  # noqa: S608 - the columns are constant
            *_columns(values),
            phone_hash,
            client_id,
        )
    except asyncpg.UniqueViolationError as error:
        raise duplicate(error) from None
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
    """Erases the client's data, and hides the client. The planner then settles its unsent messages."""
    deleted = await connection.fetchval(
        """
        WITH deleted AS (
            UPDATE clients SET phone = NULL, tag = '', further_tags = '{}', attributes = '{}', external_id = NULL,
                suppression_id = NULL, suppression_settled_at = NULL, deleted_at = now(), updated_at = now()
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
    pool: Pool,
    *,
    phone: str | None,
    operator_code: str | None,
    tag: str | None,
    after: int,
    limit: int,
    external_id: str | None = None,
    part: str | None = None,
) -> list[Client]:
    """Lists clients that match every filter that is not None, by `place_of`. `part`: some digits of the phone."""
    if part is not None:
        return await _search(pool, part, after, limit, [phone, operator_code, tag, external_id])
    conditions, given = _conditions(phone, operator_code, tag, external_id)
    rows = await pool.fetch(_SELECT + " AND id > $1" + conditions + " ORDER BY id LIMIT $2", after, limit, *given)
    return [Client.model_validate(dict(row)) for row in rows]


def place_of(client: Client, part: str | None) -> int:
    """Returns the place of a client in a list: its id, or among those with a part of a phone the phone as a number."""
    return client.id if part is None else int(client.phone)


async def _search(pool: Pool, part: str, after: int, limit: int, filters: Sequence[str | None]) -> list[Client]:
    patterns = patterns_of(part)
    if any(value is not None for value in filters):
        statement = (
            _SELECT
            + """ AND phone > $1 AND phone LIKE ANY ($3) AND ($4::text IS NULL OR phone = $4)
            AND ($5::text IS NULL OR operator_code = $5)
            AND ($6::text IS NULL OR tag = $6 OR $6 = ANY (further_tags))
            AND ($7::text IS NULL OR external_id = $7)
            ORDER BY phone LIMIT $2"""
        )
        rows = await pool.fetch(statement, str(after), limit, patterns, *filters)
    else:
        # Only the index of phones is read until the page is full, which takes up to 0.4 s for a million clients.
        statement = (
            _SELECT  # noqa: S608 - the columns are constant
            + """ AND phone IN (
                SELECT phone FROM clients WHERE deleted_at IS NULL AND phone > $1 AND phone LIKE ANY ($3)
                ORDER BY phone LIMIT $2
            ) ORDER BY phone"""
        )
        rows = await pool.fetch(statement, str(after), limit, patterns)
    return [Client.model_validate(dict(row)) for row in rows]


def _conditions(
    phone: str | None, operator_code: str | None, tag: str | None, external_id: str | None
) -> tuple[str, list[str | None]]:
    """Returns the conditions of a list, and the values of their parameters, which begin with $3."""
    if phone is not None or external_id is not None:
        one, name = ("phone = $5", phone) if phone is not None else ("external_id = $5", external_id)
        both = " AND external_id = $6" if phone is not None and external_id is not None else ""
        return f" AND {one}{both}{_ONE}", [operator_code, tag, name, *([external_id] if both else [])]
    if tag == "":
        return _WITHOUT_TAG[operator_code is not None], [operator_code] if operator_code else []
    return _BY_TAG[operator_code is not None, tag is not None], [
        value for value in (tag, operator_code) if value is not None
    ]


async def zone_names(pool: Pool) -> list[str]:
    """Lists the time zones that the database knows."""
    return [row["name"] for row in await pool.fetch("SELECT name FROM pg_timezone_names")]


def _client(row: asyncpg.Record | None) -> Client | None:
    return None if row is None else Client.model_validate(dict(row))
