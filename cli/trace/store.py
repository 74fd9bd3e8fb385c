"""The SQL statements of `herald trace`. Deleted mailings and clients are read as well, because they have a history."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

# A limit for the messages of a client and the events of a mailing, which could be many.
MOST_ROWS = 10_000


async def clock(connection: asyncpg.Connection) -> datetime:
    at: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return at


async def mailing(connection: asyncpg.Connection, mailing_id: int) -> asyncpg.Record | None:
    """Returns a mailing with its status and counts."""
    return await connection.fetchrow(
        """
        SELECT m.id, m.status, m.start_at, m.end_at, m.window_from, m.window_to, m.created_at, m.deleted_at,
            m.request_id, w.expansion_done, c.total, c.pending, c.retrying, c.sent, c.rejected, c.exhausted, c.expired,
            c.cancelled
        FROM mailings m
        JOIN mailing_work w ON w.mailing_id = m.id
        JOIN mailing_counts c ON c.mailing_id = m.id
        WHERE m.id = $1
        """,
        mailing_id,
    )


async def outcomes(connection: asyncpg.Connection, mailing_id: int) -> list[asyncpg.Record]:
    """Returns outcome and count of a mailing's attempts."""
    return await connection.fetch(
        "SELECT outcome, count FROM outcomes WHERE mailing_id = $1 AND count > 0 ORDER BY outcome", mailing_id
    )


async def reasons(connection: asyncpg.Connection, mailing_id: int) -> list[asyncpg.Record]:
    """Returns status, reason and count of a mailing's messages with a reason, the most frequent first."""
    return await connection.fetch(
        """
        SELECT status::text, reason, count FROM reasons
        WHERE mailing_id = $1 AND count > 0 ORDER BY count DESC, status, reason LIMIT 100
        """,
        mailing_id,
    )


async def events_of_mailing(connection: asyncpg.Connection, mailing_id: int) -> list[asyncpg.Record]:
    return await connection.fetch(
        "SELECT at, kind, request_id, detail FROM events WHERE mailing_id = $1 ORDER BY id LIMIT $2",
        mailing_id,
        MOST_ROWS,
    )


async def events_of_client(connection: asyncpg.Connection, client_id: int) -> list[asyncpg.Record]:
    return await connection.fetch(
        "SELECT at, kind, request_id, detail FROM events WHERE client_id = $1 ORDER BY id LIMIT $2",
        client_id,
        MOST_ROWS,
    )


async def client(connection: asyncpg.Connection, client_id: int) -> asyncpg.Record | None:
    return await connection.fetchrow(
        "SELECT id, phone, operator_code, timezone, created_at, updated_at, deleted_at FROM clients WHERE id = $1",
        client_id,
    )


async def messages(connection: asyncpg.Connection, message_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Returns messages, the newest first, each with its flight and what receipts say of it, if there are any."""
    return await connection.fetch(
        """
        SELECT m.id, m.mailing_id, m.client_id, m.created_at, m.status::text, m.reason, m.final_at, g.request_id,
            f.released_at, f.due_at, f.claimed_number, f.folded_number, f.failures, f.claimed_at,
            d.delivery, nullif(d.reason, '') AS delivery_reason, d.at AS delivery_at, d.provider
        FROM messages m JOIN mailings g ON g.id = m.mailing_id LEFT JOIN flights f ON f.message_id = m.id
            LEFT JOIN deliveries d ON d.message_id = m.id
        WHERE m.id = ANY ($1::bigint[]) ORDER BY m.mailing_id DESC
        """,
        message_ids,
    )


async def message_ids_of_client(connection: asyncpg.Connection, client_id: int) -> list[int]:
    """Returns the ids of a client's newest messages."""
    rows = await connection.fetch(
        "SELECT id FROM messages WHERE client_id = $1 ORDER BY mailing_id DESC LIMIT $2", client_id, MOST_ROWS
    )
    return [row["id"] for row in rows]


async def attempts(connection: asyncpg.Connection, message_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Returns the attempts of messages. A success at the first attempt has no row: its message holds it."""
    return await connection.fetch(
        """
        SELECT message_id, number, started_at, duration_ms, outcome, http_status, detail FROM attempts
        WHERE message_id = ANY ($1::bigint[])
        UNION ALL
        SELECT m.id, 1, m.started_at, m.duration_ms, 'accepted', m.http_status, NULL FROM messages m
        WHERE m.id = ANY ($1::bigint[]) AND m.started_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM attempts a WHERE a.message_id = m.id AND a.number = 1)
        ORDER BY message_id, number
        """,
        message_ids,
    )
