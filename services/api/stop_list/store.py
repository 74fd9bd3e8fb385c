"""Reads and writes the stop list. Phones come with their hashes, and only the hashes are stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from services.api.audit.log import Origin, detail_of
from services.api.stop_list.responses import Suppression
from services.api.stop_list.schemas import Source
from shared.database import Connection, Pool

# An advisory lock: shared by whoever writes a phone to the directory, exclusive to whoever changes the list.
LOCK = 4_837_251_191


async def share(connection: Connection) -> bytes | None:
    """Keeps the list from changing until the transaction ends. Returns the check of its key; None if it is empty."""
    found: bytes | None = await connection.fetchval(
        """
        SELECT (SELECT key_check FROM suppressions LIMIT 1)
        FROM (SELECT pg_advisory_xact_lock_shared($1)) AS shared
        """,
        LOCK,
    )
    return found


@dataclass(frozen=True, slots=True)
class AddedPhones:
    """What adding phones came to: the ids of all their entries, how many are new, and the clients who have the phones.

    Those clients are named whether they were on the list before or not: an earlier request may not have been confirmed.
    """

    ids: list[int]
    added: int
    client_ids: list[int]


async def lock(connection: Connection) -> bytes | None:
    """Locks the list, until the transaction ends, against whoever writes phones.

    Returns the check of its key, read by a statement that is younger than the lock; None if the list is empty.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    found: bytes | None = await connection.fetchval("SELECT key_check FROM suppressions LIMIT 1")
    return found


async def add(
    connection: Connection,
    key_check: bytes,
    phones: Sequence[str],
    hashes: Sequence[bytes],
    reasons: Sequence[str],
    source: Source,
    origin: Origin,
) -> AddedPhones:
    """Adds phones, each once, and marks the clients who have them. Call `lock` first.

    An entry that is there stays as it is.
    """
    (row,) = await connection.fetch(
        """
        WITH given AS MATERIALIZED (
            SELECT * FROM unnest($2::text[], $3::bytea[], $4::text[]) AS g (phone, phone_hash, reason)
        ), made AS (
            INSERT INTO suppressions (phone_hash, key_check, reason, source, added_by)
            SELECT phone_hash, $1, reason, $5, $6 FROM given
            ON CONFLICT (phone_hash) DO NOTHING
            RETURNING id, phone_hash
        ), listed AS MATERIALIZED (
            SELECT g.phone, s.id FROM given g JOIN (
                SELECT id, phone_hash FROM made
                UNION ALL SELECT id, phone_hash FROM suppressions WHERE phone_hash = ANY ($3::bytea[])
            ) AS s USING (phone_hash)
        ), held AS MATERIALIZED (
            -- Locked in id order, as an import does.
            SELECT c.id, c.suppression_id, l.id AS listed_as
            FROM clients c JOIN listed l ON c.phone = l.phone AND (c.deleted_at IS NULL OR c.guest_of IS NOT NULL)
            ORDER BY c.id FOR NO KEY UPDATE OF c
        ), marked AS (
            UPDATE clients c
            SET suppression_id = h.listed_as, suppression_settled_at = NULL, updated_at = clock_timestamp()
            FROM held h WHERE c.id = h.id AND c.suppression_id IS DISTINCT FROM h.listed_as
            RETURNING c.id
        ), recorded AS (
            INSERT INTO suppression_events (suppression_id, kind, request_id, detail)
            SELECT id, 'added', $7, $8::text::jsonb FROM made
        ), remembered AS (
            INSERT INTO events (client_id, kind, request_id, detail)
            SELECT id, 'opted_out', $7, $8::text::jsonb FROM marked
        )
        SELECT (SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM listed) AS ids,
            (SELECT count(*) FROM made) AS added,
            (SELECT coalesce(array_agg(id), '{}') FROM held) AS client_ids
        """,
        key_check,
        phones,
        hashes,
        reasons,
        source,
        origin.by,
        origin.request_id,
        detail_of(origin, source=source),
    )
    return AddedPhones(ids=row["ids"], added=row["added"], client_ids=row["client_ids"])


@dataclass(frozen=True, slots=True)
class OptOut:
    """A client who opted out at a provider. `phone` is None if the client is deleted."""

    client_id: int
    provider: str
    phone: str | None


async def list_opt_outs(pool: Pool, limit: int) -> list[OptOut]:
    """Lists opt-outs that are not on the list yet, the oldest first."""
    rows = await pool.fetch(
        """
        SELECT o.client_id, o.provider, c.phone FROM opt_outs o LEFT JOIN clients c ON c.id = o.client_id
        ORDER BY o.noted_at LIMIT $1
        """,
        limit,
    )
    return [OptOut(**row) for row in rows]


async def forget_opt_outs(pool: Pool, client_ids: Sequence[int]) -> None:
    await pool.execute("DELETE FROM opt_outs WHERE client_id = ANY ($1::bigint[])", client_ids)


async def remove(connection: Connection, suppression_id: int, origin: Origin) -> bool:
    """Removes an entry, and frees the client who has the phone. Returns whether it was there. Call `lock` first."""
    removed = await connection.fetchval(
        """
        WITH removed AS (
            DELETE FROM suppressions WHERE id = $1 RETURNING id
        ), freed AS (
            UPDATE clients SET suppression_id = NULL, suppression_settled_at = NULL, updated_at = clock_timestamp()
            WHERE suppression_id = $1
            RETURNING id
        ), remembered AS (
            INSERT INTO events (client_id, kind, request_id, detail)
            SELECT f.id, 'opted_in', $2, $3::text::jsonb FROM freed f
        )
        INSERT INTO suppression_events (suppression_id, kind, request_id, detail)
        SELECT id, 'removed', $2, $3::text::jsonb FROM removed
        RETURNING suppression_id
        """,
        suppression_id,
        origin.request_id,
        detail_of(origin, suppression_id=suppression_id),
    )
    return removed is not None


_SELECT = """
    SELECT s.id, c.id AS client_id, c.phone, s.reason, s.source, s.since, s.added_by
    FROM suppressions s LEFT JOIN clients c ON c.suppression_id = s.id
    """


async def get(connection: Connection | Pool, suppression_id: int) -> Suppression | None:
    row = await connection.fetchrow(_SELECT + " WHERE s.id = $1", suppression_id)
    return None if row is None else _found(row)


async def page(pool: Pool, *, phone_hash: bytes | None, after: int, limit: int) -> list[Suppression]:
    """Lists entries by id; with a hash, the one that has it."""
    if phone_hash is not None:
        rows = await pool.fetch(_SELECT + " WHERE s.phone_hash = $1 AND s.id > $2", phone_hash, after)
    else:
        rows = await pool.fetch(_SELECT + " WHERE s.id > $1 ORDER BY s.id LIMIT $2", after, limit)
    return [_found(row) for row in rows]


async def key_check(pool: Pool) -> bytes | None:
    """Returns the check of the key under which the list was written; None if it is empty."""
    found: bytes | None = await pool.fetchval("SELECT key_check FROM suppressions LIMIT 1")
    return found


def _found(row: asyncpg.Record) -> Suppression:
    return Suppression.model_validate(dict(row))
