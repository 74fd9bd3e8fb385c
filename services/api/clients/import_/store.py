"""The bulk statements of an import. The phones of a batch are distinct."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.api.audit.log import Origin, detail_of
from services.api.clients import store as clients
from services.api.clients.attributes import MAX_ATTRIBUTES, MAX_BYTES
from shared.database import Connection, Pool

# PostgreSQL writes a blank after each colon and comma of JSON.
MAX_STORED_BYTES = MAX_BYTES + 2 * MAX_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class ClientColumns:
    """A batch, column by column. None means that a value was not given; an empty column, that none was.

    `further_tags` and `attributes` are JSON: a list of the tags after the first, and an object in which null removes.
    An external id of "" is to be removed. `replaces_attributes`: those there are do not stay.
    """

    phones: Sequence[str]
    operator_codes: Sequence[str | None] = ()
    tags: Sequence[str | None] = ()
    timezones: Sequence[str | None] = ()
    further_tags: Sequence[str | None] = ()
    external_ids: Sequence[str | None] = ()
    attributes: Sequence[str | None] = ()
    replaces_attributes: Sequence[bool | None] = ()


@dataclass(frozen=True, slots=True)
class Updated:
    """What became of the clients of a batch that exist.

    `changed` are ids, and `edited` are those of them whose zone or attributes are others: what is about to be sent to
    them changes. `repeated` counts clients that an earlier batch of the same import had created or changed; of the
    others, `rewritten` changed and `unchanged` did not. `overfull` are phones of clients who would have too many
    attributes: they were left as they are.
    """

    changed: Sequence[int] = ()
    edited: Sequence[int] = ()
    rewritten: int = 0
    unchanged: int = 0
    repeated: int = 0
    overfull: Sequence[str] = ()


_GIVEN = """unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[])
            AS g (phone, operator_code, tag, timezone, further_tags, external_id, attributes, replaces)"""


async def update(connection: Connection, batch: ClientColumns, origin: Origin, moments: Sequence[datetime]) -> Updated:
    """Updates the clients that exist and differ, and records an event for each, which names the fields that changed.

    `moments` are those of the earlier batches of this import. Raises DuplicateExternalId if another client took one of
    the external ids after `read_external_ids` looked.
    """
    rows = await _write(
        connection,
        f"""
        WITH found AS MATERIALIZED (
            -- Locked in id order, so that two imports of the same phones do not deadlock.
            SELECT c.id, c.phone, c.operator_code, c.tag, c.further_tags, c.timezone, c.external_id, c.attributes,
                c.updated_at, coalesce(g.operator_code, c.operator_code) AS new_code, coalesce(g.tag, c.tag) AS new_tag,
                CASE
                    WHEN g.further_tags IS NOT NULL
                        THEN ARRAY(SELECT jsonb_array_elements_text(g.further_tags::jsonb))
                    WHEN g.tag = '' THEN '{{}}'
                    WHEN g.tag IS NULL THEN c.further_tags
                    ELSE array_remove(c.further_tags, g.tag)
                END AS new_tags,
                coalesce(g.timezone, c.timezone) AS new_zone,
                nullif(coalesce(g.external_id, c.external_id), '') AS new_external_id,
                CASE
                    WHEN g.attributes IS NULL THEN c.attributes
                    WHEN g.replaces THEN jsonb_strip_nulls(g.attributes::jsonb)
                    ELSE jsonb_strip_nulls(c.attributes || g.attributes::jsonb)
                END AS new_attributes
            FROM {_GIVEN}
            JOIN clients c ON c.phone = g.phone AND c.deleted_at IS NULL
            ORDER BY c.id FOR NO KEY UPDATE OF c
        ), measured AS (
            SELECT *, new_attributes <> attributes AND (
                (SELECT count(*) FROM jsonb_object_keys(new_attributes)) > $12
                OR octet_length(new_attributes::text) > $13
            ) AS overfull
            FROM found
        ), compared AS (
            SELECT *, CASE WHEN overfull THEN '{{}}' ELSE array_remove(ARRAY[
                CASE WHEN new_code <> operator_code THEN 'operator_code' END,
                CASE WHEN new_tag <> tag THEN 'tag' END,
                CASE WHEN new_tags <> further_tags THEN 'tags' END,
                CASE WHEN new_zone <> timezone THEN 'timezone' END,
                CASE WHEN new_external_id IS DISTINCT FROM external_id THEN 'external_id' END,
                CASE WHEN new_attributes <> attributes THEN 'attributes' END], NULL) END AS fields
            FROM measured
        ), changed AS (
            UPDATE clients c
            SET operator_code = n.new_code, tag = n.new_tag, further_tags = n.new_tags, timezone = n.new_zone,
                external_id = n.new_external_id, attributes = n.new_attributes, updated_at = now()
            FROM compared n WHERE c.id = n.id AND n.fields <> '{{}}'
        ), recorded AS (
            INSERT INTO events (client_id, kind, request_id, detail)
            SELECT id, 'updated', $9, jsonb_build_object('fields', to_jsonb(fields)) || $10::text::jsonb
            FROM compared WHERE fields <> '{{}}'
        )
        SELECT id, fields <> '{{}}' AS changed, fields && ARRAY['timezone', 'attributes'] AS edited,
            updated_at = ANY ($11::timestamptz[]) AS repeated, CASE WHEN overfull THEN phone END AS overfull
        FROM compared
        """,  # noqa: S608 - the columns are constant
        *_columns(batch),
        origin.request_id,
        detail_of(origin, source="import"),
        moments,
        MAX_ATTRIBUTES,
        MAX_STORED_BYTES,
    )
    kept = [row for row in rows if row["overfull"] is None]
    return Updated(
        changed=[row["id"] for row in kept if row["changed"]],
        unchanged=sum(not row["changed"] and not row["repeated"] for row in kept),
        edited=[row["id"] for row in kept if row["edited"]],
        rewritten=sum(row["changed"] and not row["repeated"] for row in kept),
        repeated=sum(row["repeated"] for row in kept),
        overfull=[row["overfull"] for row in rows if row["overfull"] is not None],
    )


async def insert(
    connection: Connection,
    batch: ClientColumns,
    default_zone: str,
    origin: Origin,
    hashes: Sequence[bytes] | None,
    *,
    default_tag: str = "",
) -> list[int]:
    """Inserts the clients that do not exist, records an event for each, and returns their ids.

    `hashes` finds the phones on the stop list; None while there is no list. NOT EXISTS saves an id for each phone that
    exists; ON CONFLICT covers one that is inserted concurrently. Rows are inserted in order of phone, so that two
    imports of the same phones wait for each other instead of deadlocking. Raises DuplicateExternalId as `update` does.
    """
    rows = await _write(
        connection,
        f"""
        WITH made AS (
            INSERT INTO clients
                (phone, operator_code, tag, further_tags, timezone, external_id, attributes, suppression_id)
            SELECT g.phone, coalesce(g.operator_code, substr(g.phone, 2, 3)), coalesce(g.tag, $13),
                CASE WHEN g.further_tags IS NULL THEN '{{}}'
                    ELSE ARRAY(SELECT jsonb_array_elements_text(g.further_tags::jsonb)) END,
                coalesce(g.timezone, $9), nullif(g.external_id, ''),
                CASE WHEN g.attributes IS NULL THEN '{{}}' ELSE jsonb_strip_nulls(g.attributes::jsonb) END, s.id
            FROM {_GIVEN}
            LEFT JOIN (
                SELECT h.phone, s.id FROM unnest($1::text[], $12::bytea[]) AS h (phone, phone_hash)
                JOIN suppressions s USING (phone_hash)
            ) AS s USING (phone)
            WHERE NOT EXISTS (SELECT FROM clients c WHERE c.phone = g.phone AND c.deleted_at IS NULL)
            ORDER BY g.phone
            ON CONFLICT (phone) WHERE deleted_at IS NULL DO NOTHING
            RETURNING id
        ), recorded AS (
            INSERT INTO events (client_id, kind, request_id, detail)
            SELECT id, 'created', $10, $11::text::jsonb FROM made
        )
        SELECT id FROM made
        """,  # noqa: S608 - the columns are constant
        *_columns(batch),
        default_zone,
        origin.request_id,
        detail_of(origin, source="import"),
        hashes or [],
        default_tag,
    )
    return [row["id"] for row in rows]


async def _write(connection: Connection, statement: str, *values: object) -> list[asyncpg.Record]:
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement, *values)
    except asyncpg.UniqueViolationError as error:
        raise clients.duplicate(error) from None
    return found


async def read_external_ids(connection: Connection, batch: ClientColumns) -> dict[str, str | None]:
    """Returns the external ids, by phone, of the clients of a batch that exist, and of those who have an id of it."""
    rows = await connection.fetch(
        """
        SELECT phone, external_id FROM clients WHERE phone = ANY ($1::text[]) AND deleted_at IS NULL
        UNION
        SELECT phone, external_id FROM clients WHERE external_id = ANY ($2::text[]) AND deleted_at IS NULL
        """,
        batch.phones,
        [external_id for external_id in batch.external_ids if external_id],
    )
    return {row["phone"]: row["external_id"] for row in rows}


async def free_external_ids(connection: Connection, phones: Sequence[str]) -> None:
    """Takes their external ids from clients to whom `update` gives others in the same transaction.

    Until then they have one that no caller can give. Without it, they would count as unchanged where they get none.
    """
    await connection.execute(
        """
        WITH held AS (
            SELECT id FROM clients WHERE phone = ANY ($1::text[]) AND deleted_at IS NULL
            ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE clients c SET external_id = chr(1) || c.id FROM held h WHERE c.id = h.id
        """,
        phones,
    )


def _columns(batch: ClientColumns) -> tuple[Sequence[object], ...]:
    return (
        batch.phones,
        batch.operator_codes,
        batch.tags,
        batch.timezones,
        batch.further_tags,
        batch.external_ids,
        batch.attributes,
        batch.replaces_attributes,
    )


async def moment(connection: Connection) -> datetime:
    """Returns the moment of the transaction, which is updated_at of all clients that it changes."""
    value: datetime = await connection.fetchval("SELECT now()")
    return value


async def refresh_statistics(pool: Pool) -> None:
    """Updates the planner statistics of the clients table.

    Until autovacuum runs, about a minute later, PostgreSQL plans for the size that the table had, and walks the wrong
    index for every page. Skipped while autovacuum holds the lock.
    """
    await pool.execute("ANALYZE (SKIP_LOCKED) clients")
