"""The bulk statements of an import. The phones of a batch are distinct."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.api.audit.log import Origin, detail_of
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class ClientColumns:
    """A batch, column by column. None means that a value was not given."""

    phones: Sequence[str]
    operator_codes: Sequence[str | None]
    tags: Sequence[str | None]
    timezones: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Updated:
    """What became of the clients of a batch that exist.

    `changed` are ids, and `moved` are those of them whose zone is another. `repeated` counts clients that an earlier
    batch of the same import had created or changed; of the others, `rewritten` changed and `unchanged` did not.
    """

    changed: Sequence[int] = ()
    moved: Sequence[int] = ()
    rewritten: int = 0
    unchanged: int = 0
    repeated: int = 0


async def update(connection: Connection, batch: ClientColumns, origin: Origin, moments: Sequence[datetime]) -> Updated:
    """Updates the clients that exist and differ, and records an event for each, which names the fields that changed.

    `moments` are those of the earlier batches of this import.
    """
    rows = await connection.fetch(
        """
        WITH found AS MATERIALIZED (
            -- Locked in id order, so that two imports of the same phones do not deadlock.
            SELECT c.id, c.operator_code, c.tag, c.timezone, c.updated_at,
                coalesce(g.operator_code, c.operator_code) AS new_code, coalesce(g.tag, c.tag) AS new_tag,
                coalesce(g.timezone, c.timezone) AS new_zone
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (phone, operator_code, tag, timezone)
            JOIN clients c ON c.phone = g.phone AND c.deleted_at IS NULL
            ORDER BY c.id FOR NO KEY UPDATE OF c
        ), compared AS (
            SELECT *, array_remove(ARRAY[
                CASE WHEN new_code <> operator_code THEN 'operator_code' END,
                CASE WHEN new_tag <> tag THEN 'tag' END,
                CASE WHEN new_zone <> timezone THEN 'timezone' END], NULL) AS fields
            FROM found
        ), changed AS (
            UPDATE clients c
            SET operator_code = n.new_code, tag = n.new_tag, timezone = n.new_zone, updated_at = now()
            FROM compared n WHERE c.id = n.id AND n.fields <> '{}'
        ), recorded AS (
            INSERT INTO events (client_id, kind, request_id, detail)
            SELECT id, 'updated', $5, jsonb_build_object('fields', to_jsonb(fields)) || $6::text::jsonb
            FROM compared WHERE fields <> '{}'
        )
        SELECT id, fields <> '{}' AS changed, new_zone <> timezone AS moved,
            updated_at = ANY ($7::timestamptz[]) AS repeated
        FROM compared
        """,
        batch.phones,
        batch.operator_codes,
        batch.tags,
        batch.timezones,
        origin.request_id,
        detail_of(origin, source="import"),
        moments,
    )
    return Updated(
        changed=[row["id"] for row in rows if row["changed"]],
        unchanged=sum(not row["changed"] and not row["repeated"] for row in rows),
        moved=[row["id"] for row in rows if row["moved"]],
        rewritten=sum(row["changed"] and not row["repeated"] for row in rows),
        repeated=sum(row["repeated"] for row in rows),
    )


async def insert(connection: Connection, batch: ClientColumns, default_zone: str, origin: Origin) -> list[int]:
    """Inserts the clients that do not exist, records an event for each, and returns their ids.

    NOT EXISTS saves an id for each phone that exists; ON CONFLICT covers one that is inserted concurrently. Rows are
    inserted in order of phone, so that two imports of the same phones wait for each other instead of deadlocking.
    """
    rows = await connection.fetch(
        """
        WITH made AS (
            INSERT INTO clients (phone, operator_code, tag, timezone)
            SELECT g.phone, coalesce(g.operator_code, substr(g.phone, 2, 3)), coalesce(g.tag, ''),
                coalesce(g.timezone, $5)
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (phone, operator_code, tag, timezone)
            WHERE NOT EXISTS (SELECT FROM clients c WHERE c.phone = g.phone AND c.deleted_at IS NULL)
            ORDER BY g.phone
            ON CONFLICT (phone) WHERE deleted_at IS NULL DO NOTHING
            RETURNING id
        ), recorded AS (
            INSERT INTO events (client_id, kind, request_id, detail) SELECT id, 'created', $6, $7::text::jsonb FROM made
        )
        SELECT id FROM made
        """,
        batch.phones,
        batch.operator_codes,
        batch.tags,
        batch.timezones,
        default_zone,
        origin.request_id,
        detail_of(origin, source="import"),
    )
    return [row["id"] for row in rows]


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
