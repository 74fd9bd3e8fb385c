"""The bulk statements of an import. The phones of a batch are distinct."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class ClientColumns:
    """A batch, column by column. None means that a value was not given."""

    phones: Sequence[str]
    operator_codes: Sequence[str | None]
    tags: Sequence[str | None]
    timezones: Sequence[str | None]


async def update(connection: Connection, batch: ClientColumns) -> tuple[list[int], list[int]]:
    """Updates the clients that exist. Returns their ids, and the ids of those whose zone changed."""
    rows = await connection.fetch(
        """
        UPDATE clients c
        SET operator_code = coalesce(g.operator_code, c.operator_code), tag = coalesce(g.tag, c.tag),
            timezone = coalesce(g.timezone, c.timezone), updated_at = now()
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (phone, operator_code, tag, timezone)
        JOIN clients old ON old.phone = g.phone AND old.deleted_at IS NULL
        WHERE c.id = old.id AND c.deleted_at IS NULL
        RETURNING c.id, c.timezone <> old.timezone AS moved
        """,
        batch.phones,
        batch.operator_codes,
        batch.tags,
        batch.timezones,
    )
    return [row["id"] for row in rows], [row["id"] for row in rows if row["moved"]]


async def insert(connection: Connection, batch: ClientColumns, default_zone: str) -> list[int]:
    """Inserts the clients that do not exist, and returns their ids.

    NOT EXISTS saves an id for each phone that exists; ON CONFLICT covers one that is inserted concurrently. Rows are
    inserted in order of phone, so that two imports of the same phones wait for each other instead of deadlocking.
    """
    rows = await connection.fetch(
        """
        INSERT INTO clients (phone, operator_code, tag, timezone)
        SELECT g.phone, coalesce(g.operator_code, substr(g.phone, 2, 3)), coalesce(g.tag, ''), coalesce(g.timezone, $5)
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (phone, operator_code, tag, timezone)
        WHERE NOT EXISTS (SELECT FROM clients c WHERE c.phone = g.phone AND c.deleted_at IS NULL)
        ORDER BY g.phone
        ON CONFLICT (phone) WHERE deleted_at IS NULL DO NOTHING
        RETURNING id
        """,
        batch.phones,
        batch.operator_codes,
        batch.tags,
        batch.timezones,
        default_zone,
    )
    return [row["id"] for row in rows]


async def refresh_statistics(pool: Pool) -> None:
    """Updates the planner statistics of the clients table.

    Until autovacuum runs, about a minute later, PostgreSQL plans for the size that the table had, and walks the wrong
    index for every page. Skipped while autovacuum holds the lock.
    """
    await pool.execute("ANALYZE (SKIP_LOCKED) clients")
