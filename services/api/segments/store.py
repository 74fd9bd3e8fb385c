"""Reads and writes segments, and counts who matches a tree of conditions."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.api.segments.responses import Segment, SegmentSize
from shared.audience.conditions import Group
from shared.audience.sql import compile_filter
from shared.database import Connection, Pool


class DuplicateName(Exception):
    """Another segment has this name."""


async def insert(connection: Connection, name: str, tree: dict[str, Any]) -> Segment:
    """Saves a segment. Raises DuplicateName."""
    try:
        row = await connection.fetchrow(
            "INSERT INTO segments (name, filter) VALUES ($1, $2::text::jsonb) RETURNING *",
            name,
            orjson.dumps(tree).decode(),
        )
    except asyncpg.UniqueViolationError:
        raise DuplicateName from None
    return _found(row)


async def get(connection: Connection | Pool, segment_id: int) -> Segment | None:
    row = await connection.fetchrow("SELECT * FROM segments WHERE id = $1", segment_id)
    return None if row is None else _found(row)


async def lock(connection: Connection, segment_id: int) -> Segment | None:
    """Locks a segment until the transaction ends, against edits and deletion."""
    row = await connection.fetchrow("SELECT * FROM segments WHERE id = $1 FOR UPDATE", segment_id)
    return None if row is None else _found(row)


async def page(pool: Pool, *, after: int, limit: int) -> list[Segment]:
    """Lists segments by id."""
    rows = await pool.fetch("SELECT * FROM segments WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
    return [_found(row) for row in rows]


async def update(connection: Connection, segment_id: int, name: str, tree: dict[str, Any]) -> Segment:
    """Writes a name and a filter. Raises DuplicateName."""
    try:
        row = await connection.fetchrow(
            """
            UPDATE segments SET name = $2, filter = $3::text::jsonb, updated_at = clock_timestamp()
            WHERE id = $1 RETURNING *
            """,
            segment_id,
            name,
            orjson.dumps(tree).decode(),
        )
    except asyncpg.UniqueViolationError:
        raise DuplicateName from None
    return _found(row)


async def is_awaited(connection: Connection, segment_id: int) -> bool:
    """Returns whether a mailing will copy the segment when it starts."""
    found: bool = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM mailings
            WHERE segment_id = $1 AND started_at IS NULL AND finished_at IS NULL AND deleted_at IS NULL
                AND status <> 'cancelled'
        )
        """,
        segment_id,
    )
    return found


async def delete(connection: Connection, segment_id: int) -> None:
    await connection.execute("DELETE FROM segments WHERE id = $1", segment_id)


async def unknown_mailings(connection: Connection | Pool, mailing_ids: Collection[int]) -> list[int]:
    """Returns those of these ids that no mailing has."""
    rows = await connection.fetch(
        """
        SELECT id FROM unnest($1::bigint[]) AS id
        WHERE NOT EXISTS (SELECT FROM mailings m WHERE m.id = id.id AND m.deleted_at IS NULL)
        """,
        list(mailing_ids),
    )
    return [row["id"] for row in rows]


async def clock(connection: Connection | Pool) -> datetime:
    moment: datetime = await connection.fetchval("SELECT now()")
    return moment


async def count(pool: Pool, tree: Group, start: datetime) -> SegmentSize:
    """Counts the clients that match a tree. Reads all clients."""
    compiled = compile_filter(tree, first=1, mailing_id=None, start=start)
    (row,) = await pool.fetch(
        f"""
        SELECT count(*) AS clients, count(*) FILTER (WHERE c.suppression_id IS NOT NULL) AS opted_out
        FROM clients c WHERE c.deleted_at IS NULL AND {compiled.sql}
        """,  # noqa: S608 - a compiled filter has parameters for all values
        *compiled.values,
    )
    return SegmentSize(clients=row["clients"], opted_out=row["opted_out"])


def _found(row: asyncpg.Record | None) -> Segment:
    if row is None:
        raise LookupError("the statement returns one row")
    return Segment.model_validate({**row, "filter": orjson.loads(row["filter"])})
