"""Writes files of recipients: an audience that is not found by a filter."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class RecipientColumns:
    """Recipients with different phones, column by column. `given` are JSON objects of values for the placeholders."""

    lines: Sequence[int]
    phones: Sequence[str]
    given: Sequence[str]


async def open_file(connection: Connection | Pool) -> int:
    """Adds an empty file and returns its id. The planner erases it a day later, unless a mailing names it."""
    made: int = await connection.fetchval("INSERT INTO recipient_files DEFAULT VALUES RETURNING id")
    return made


async def add(
    connection: Connection, file_id: int, batch: RecipientColumns, default_zone: str, hashes: Sequence[bytes] | None
) -> set[int]:
    """Adds recipients to a file, and returns the lines of those added. The others came in an earlier batch.

    A phone of the directory stands for its client. Any other becomes a guest: a row of the clients that counts as
    deleted, so that only a mailing with this file sends to it. `hashes` finds the phones on the stop list.
    """
    rows = await connection.fetch(
        """
        WITH asked AS MATERIALIZED (
            SELECT * FROM unnest($2::int[], $3::text[], $4::text[]) AS a (line, phone, given)
            -- Guests of an earlier batch came twice, even if the directory has them by now.
            WHERE NOT EXISTS (SELECT FROM clients g WHERE g.guest_of = $1 AND g.phone = a.phone)
        ), known AS MATERIALIZED (
            SELECT a.phone, c.id AS client_id FROM asked a JOIN clients c ON c.phone = a.phone AND c.deleted_at IS NULL
        ), made AS (
            INSERT INTO clients (phone, operator_code, timezone, guest_of, deleted_at, settled_at, suppression_id)
            SELECT a.phone, substr(a.phone, 2, 3), $5, $1, now(), now(), s.id
            FROM asked a
            LEFT JOIN (
                SELECT h.phone, s.id FROM unnest($3::text[], $6::bytea[]) AS h (phone, phone_hash)
                JOIN suppressions s USING (phone_hash)
            ) AS s USING (phone)
            WHERE NOT EXISTS (SELECT FROM known k WHERE k.phone = a.phone)
            RETURNING phone, id AS client_id
        ), added AS (
            INSERT INTO recipients (file_id, client_id, line, given)
            SELECT $1, c.client_id, a.line, a.given::jsonb
            FROM asked a JOIN (SELECT * FROM known UNION ALL SELECT * FROM made) AS c USING (phone)
            ORDER BY c.client_id
            ON CONFLICT (file_id, client_id) DO NOTHING
            RETURNING line
        )
        SELECT line FROM added
        """,
        file_id,
        batch.lines,
        batch.phones,
        batch.given,
        default_zone,
        hashes or [],
    )
    return {row["line"] for row in rows}


@dataclass(frozen=True, slots=True)
class FiledRecipient:
    """A recipient as the file has it, with the client's or the guest's present phone."""

    client_id: int
    line: int
    phone: str | None
    given: str


async def page(pool: Pool, mailing_id: int, *, after: int, limit: int) -> list[FiledRecipient]:
    """Lists the recipients of a mailing's file by client id."""
    rows = await pool.fetch(
        """
        SELECT r.client_id, r.line, c.phone, r.given FROM mailings m
        JOIN recipients r ON r.file_id = m.file_id
        JOIN clients c ON c.id = r.client_id
        WHERE m.id = $1 AND r.client_id > $2 ORDER BY r.client_id LIMIT $3
        """,
        mailing_id,
        after,
        limit,
    )
    return [FiledRecipient(**row) for row in rows]
