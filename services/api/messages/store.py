"""Reads messages and their attempts, also those of deleted mailings and clients."""

import heapq
from collections.abc import Mapping, Sequence
from itertools import islice

import asyncpg

from services.api.messages.responses import Attempt, Message, MessageInFull, MessageOfClient
from shared.database import Pool
from shared.statuses import UNSENT_STATUSES, Delivery, MessageStatus

# What is shown of a client that was never there; deleted ones keep their row.
NO_CLIENT = {"phone": None, "operator_code": None, "tag": None}
NO_RECEIPT: dict[str, object] = {"delivery": None, "delivery_reason": None, "delivered_at": None}

# The columns of a message, as it is shown in a list; the conditions of each statement follow.
_SELECT = """
    SELECT m.id, m.client_id, m.mailing_id, m.status::text, m.reason, m.created_at,
        greatest(m.attempts, coalesce(f.folded_number, 0)) AS attempts,
        CASE WHEN m.status = 'sent' THEN m.final_at END AS sent_at
    FROM messages m LEFT JOIN flights f ON f.message_id = m.id
    """


async def page(
    pool: Pool, mailing_id: int, *, statuses: Sequence[MessageStatus], reason: str | None, after: int, limit: int
) -> list[Message]:
    """Lists the messages of a mailing in order of id: of all statuses or some, and with this reason if one is given."""
    if not statuses and reason is None:
        return await _with_clients(pool, await _of_all(pool, mailing_id, after, limit))
    if reason is not None:
        statuses = [status for status in statuses or UNSENT_STATUSES if status in UNSENT_STATUSES]
    pages = [await _of_status(pool, mailing_id, status, reason, after, limit) for status in dict.fromkeys(statuses)]
    merged = heapq.merge(*pages, key=lambda row: row["id"])
    return await _with_clients(pool, list(islice(merged, limit)))


async def page_of_delivery(pool: Pool, mailing_id: int, delivery: Delivery, *, after: int, limit: int) -> list[Message]:
    """Lists the sent messages of a mailing of which receipts say this, in order of id."""
    rows = await (_delivered if delivery == "delivered" else _not_delivered)(pool, mailing_id, delivery, after, limit)
    return await _with_clients(pool, rows)


async def of_client(pool: Pool, mailing_id: int, client_id: int) -> list[Message]:
    """Lists the message of a mailing to a client, if there is one."""
    rows = await pool.fetch(_SELECT + "WHERE m.client_id = $2 AND m.mailing_id = $1", mailing_id, client_id)
    return await _with_clients(pool, rows)


async def to_client(pool: Pool, client_id: int, *, before: int, limit: int) -> list[MessageOfClient]:
    """Lists the messages to a client with the names of their mailings, the newest mailing first, before this one."""
    rows = await pool.fetch(
        """
        SELECT m.id, m.mailing_id, p.name AS mailing_name, p.deleted_at IS NOT NULL AS mailing_deleted,
            m.status::text, m.reason, greatest(m.attempts, coalesce(f.folded_number, 0)) AS attempts, m.created_at,
            CASE WHEN m.status = 'sent' THEN m.final_at END AS sent_at
        FROM messages m JOIN mailings p ON p.id = m.mailing_id LEFT JOIN flights f ON f.message_id = m.id
        WHERE m.client_id = $1 AND m.mailing_id < $2 ORDER BY m.mailing_id DESC LIMIT $3
        """,
        client_id,
        before,
        limit,
    )
    return [MessageOfClient.model_validate(dict(row)) for row in rows]


async def _with_clients(pool: Pool, rows: Sequence[asyncpg.Record]) -> list[Message]:
    """Adds what the directory has of the clients at present."""
    clients = await pool.fetch(
        "SELECT id, phone, operator_code, tag FROM clients WHERE id = ANY ($1::bigint[])",
        [row["client_id"] for row in rows],
    )
    found = {
        row["id"]: {"phone": row["phone"], "operator_code": row["operator_code"], "tag": row["tag"]} for row in clients
    }
    receipts = await _deliveries(pool, [row["id"] for row in rows if row["status"] == "sent"])
    return [
        Message.model_validate(
            {**NO_CLIENT, **row, **found.get(row["client_id"], {}), **_delivery(receipts, row["id"])}
        )
        for row in rows
    ]


async def _deliveries(pool: Pool, message_ids: Sequence[int]) -> dict[int, asyncpg.Record]:
    """Reads what receipts say of messages, by message id."""
    if not message_ids:
        return {}
    rows = await pool.fetch(
        """
        SELECT message_id, delivery, nullif(reason, '') AS delivery_reason,
            CASE WHEN delivery = 'delivered' THEN at END AS delivered_at
        FROM deliveries WHERE message_id = ANY ($1::bigint[])
        """,
        message_ids,
    )
    return {row["message_id"]: row for row in rows}


def _delivery(receipts: Mapping[int, asyncpg.Record], message_id: int) -> dict[str, object]:
    row = receipts.get(message_id)
    return NO_RECEIPT if row is None else {name: row[name] for name in NO_RECEIPT}


async def _of_status(
    pool: Pool, mailing_id: int, status: MessageStatus, reason: str | None, after: int, limit: int
) -> list[asyncpg.Record]:
    match status:
        case "pending":
            return await _pending(pool, mailing_id, after, limit)
        case "retrying":
            return await _retrying(pool, mailing_id, after, limit)
        case "sent":
            return await _sent(pool, mailing_id, after, limit)
        case _:
            return await _unsent(pool, mailing_id, status, reason, after, limit)


# Rows are compared whole, so that only the index on (mailing_id, id) fits: with the ids compared alone, a plan for
# the average mailing walks the primary key, through all messages of the others.


async def _of_all(pool: Pool, mailing_id: int, after: int, limit: int) -> list[asyncpg.Record]:
    return await pool.fetch(
        _SELECT
        + """
        WHERE (m.mailing_id, m.id) > ($1, $2) AND (m.mailing_id, m.id) <= ($1, 9223372036854775807)
        ORDER BY m.mailing_id, m.id LIMIT $3
        """,
        mailing_id,
        after,
        limit,
    )


async def _pending(pool: Pool, mailing_id: int, after: int, limit: int) -> list[asyncpg.Record]:
    """Reads the two places of pending messages: in flight, and not yet released. Both are in order of id."""
    return await pool.fetch(
        """
        -- In flight.
        (
            SELECT m.id, m.client_id, m.mailing_id, m.status::text, m.reason, m.created_at,
                greatest(m.attempts, coalesce(f.folded_number, 0)) AS attempts,
                CASE WHEN m.status = 'sent' THEN m.final_at END AS sent_at
            FROM flights f JOIN messages m ON m.id = f.message_id
            WHERE f.mailing_id = $1 AND f.message_id > $2 AND m.status = 'pending'
            ORDER BY f.message_id LIMIT $3
        ) UNION ALL (
            -- Not yet released: beyond the mailing's release cursor.
            SELECT m.id, m.client_id, m.mailing_id, m.status::text, m.reason, m.created_at, m.attempts, NULL
            FROM messages m
            WHERE (m.mailing_id, m.id) <= ($1, 9223372036854775807) AND m.status = 'pending'
                AND (m.mailing_id, m.id) > (
                    $1, greatest($2, (SELECT release_cursor FROM mailing_work WHERE mailing_id = $1))
                )
            ORDER BY m.mailing_id, m.id LIMIT $3
        )
        ORDER BY id LIMIT $3
        """,
        mailing_id,
        after,
        limit,
    )


async def _retrying(pool: Pool, mailing_id: int, after: int, limit: int) -> list[asyncpg.Record]:
    """Reads the small table: a retrying message is in flight, with a failure folded."""
    return await pool.fetch(
        """
        SELECT m.id, m.client_id, m.mailing_id, m.status::text, m.reason, m.created_at,
            greatest(m.attempts, f.folded_number) AS attempts, NULL AS sent_at
        FROM flights f CROSS JOIN LATERAL (
            SELECT * FROM messages WHERE id = f.message_id AND status = 'retrying' OFFSET 0
        ) AS m
        WHERE f.mailing_id = $1 AND f.message_id > $2 AND f.folded_number > 0
        ORDER BY f.message_id LIMIT $3
        """,
        mailing_id,
        after,
        limit,
    )


async def _sent(pool: Pool, mailing_id: int, after: int, limit: int) -> list[asyncpg.Record]:
    """Reads up to the release cursor: messages beyond it cannot be sent yet."""
    return await pool.fetch(
        _SELECT  # noqa: S608 - both parts are constants
        + """
        WHERE (m.mailing_id, m.id) > ($1, $2) AND m.status = 'sent'
            AND (m.mailing_id, m.id) <= ($1, (SELECT release_cursor FROM mailing_work WHERE mailing_id = $1))
        ORDER BY m.mailing_id, m.id LIMIT $3
        """,
        mailing_id,
        after,
        limit,
    )


async def _not_delivered(
    pool: Pool, mailing_id: int, delivery: Delivery, after: int, limit: int
) -> list[asyncpg.Record]:
    """Reads the small indexes of receipts that say waiting or undelivered, whose conditions are repeated."""
    return await pool.fetch(
        """
        SELECT m.id, m.client_id, m.mailing_id, m.status::text, m.reason, m.created_at, m.attempts,
            m.final_at AS sent_at
        FROM (
            (
                SELECT message_id FROM deliveries
                WHERE $2 = 'waiting' AND delivery = 'waiting' AND (mailing_id, message_id) > ($1, $3)
                    AND (mailing_id, message_id) <= ($1, 9223372036854775807)
                ORDER BY mailing_id, message_id LIMIT $4
            ) UNION ALL (
                SELECT message_id FROM deliveries
                WHERE $2 = 'undelivered' AND delivery = 'undelivered' AND (mailing_id, message_id) > ($1, $3)
                    AND (mailing_id, message_id) <= ($1, 9223372036854775807)
                ORDER BY mailing_id, message_id LIMIT $4
            )
        ) AS d CROSS JOIN LATERAL (SELECT * FROM messages WHERE id = d.message_id AND status = 'sent' OFFSET 0) AS m
        ORDER BY m.id
        """,
        mailing_id,
        delivery,
        after,
        limit,
    )


async def _delivered(pool: Pool, mailing_id: int, delivery: Delivery, after: int, limit: int) -> list[asyncpg.Record]:
    """Reads the messages of the mailing, of which usually most are delivered, and the receipt of each."""
    return await pool.fetch(
        """
        SELECT m.id, m.client_id, m.mailing_id, m.status::text, m.reason, m.created_at, m.attempts,
            m.final_at AS sent_at
        FROM messages m CROSS JOIN LATERAL (
            SELECT FROM deliveries WHERE message_id = m.id AND delivery = $2 OFFSET 0
        ) AS d
        WHERE (m.mailing_id, m.id) > ($1, $3) AND (m.mailing_id, m.id) <= ($1, 9223372036854775807)
            AND m.status = 'sent'
        ORDER BY m.mailing_id, m.id LIMIT $4
        """,
        mailing_id,
        delivery,
        after,
        limit,
    )


async def _unsent(
    pool: Pool, mailing_id: int, status: str, reason: str | None, after: int, limit: int
) -> list[asyncpg.Record]:
    """Reads the index of final, unsent messages, whose condition is repeated."""
    return await pool.fetch(
        _SELECT
        + """
        WHERE (m.mailing_id, m.unsent_status, m.id) > ($1, $2::text::message_status, $3)
            AND (m.mailing_id, m.unsent_status, m.id) <= ($1, $2::text::message_status, 9223372036854775807)
            AND m.unsent_status IS NOT NULL
            AND ($5::text IS NULL OR m.reason = $5)
        ORDER BY m.mailing_id, m.unsent_status, m.id LIMIT $4
        """,
        mailing_id,
        status,
        after,
        limit,
        reason,
    )


async def get(pool: Pool, message_id: int) -> MessageInFull | None:
    """Reads a message with its attempts in one snapshot.

    A first attempt that succeeded has no row in attempts: messages holds it, and it is returned as attempt number 1.
    """
    rows = await pool.fetch(
        """
        SELECT m.id, m.client_id, m.mailing_id, m.status::text, m.reason, m.created_at,
            CASE WHEN m.status = 'sent' THEN m.final_at END AS sent_at,
            a.number, a.started_at, a.duration_ms, a.outcome, a.http_status, a.detail,
            a.provider, a.provider_id, a.cost::float8 AS cost
        FROM messages m
        LEFT JOIN (
            SELECT message_id, number, started_at, duration_ms, outcome, http_status, detail,
                provider, provider_id, cost
            FROM attempts
            WHERE message_id = $1
            UNION ALL
            -- The first attempt that succeeded, which only messages holds.
            SELECT id, 1, started_at, duration_ms, 'accepted', http_status, NULL, provider, provider_id, cost
            FROM messages
            WHERE id = $1 AND started_at IS NOT NULL
                AND NOT EXISTS (SELECT FROM attempts WHERE message_id = $1 AND number = 1)
        ) AS a ON a.message_id = m.id
        WHERE m.id = $1
        ORDER BY a.number
        """,
        message_id,
    )
    if not rows:
        return None
    attempts = [Attempt.model_validate(dict(row)) for row in rows if row["number"] is not None]
    receipts = await _deliveries(pool, [message_id])
    return MessageInFull.model_validate({**rows[0], "attempts": attempts, **_delivery(receipts, message_id)})
