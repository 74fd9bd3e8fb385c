"""Writes requests for new rounds. The planner reopens the messages; nothing here touches them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.database import Connection


@dataclass(frozen=True, slots=True)
class ResendChoice:
    """Which messages are to be sent again: by their status, and those of unknown outcome only if they are included.

    Or by what receipts say of them.
    """

    statuses: Sequence[str]
    include_unknown: bool = False
    delivery: Sequence[str] = ()


async def is_open(connection: Connection, mailing_id: int) -> bool:
    """Returns whether an earlier resend of the mailing, by status, is still running."""
    value: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM resends WHERE mailing_id = $1 AND done_at IS NULL AND message_ids IS NULL)",
        mailing_id,
    )
    return value


async def count(connection: Connection, mailing_id: int, wanted: ResendChoice) -> int:
    """Counts what a resend will reopen: final, unsent or undelivered, and no attempt under way.

    Clients who are deleted or on the stop list are left out.
    """
    if wanted.delivery:
        undelivered: int = await connection.fetchval(
            """
            SELECT count(*) FROM deliveries d
            JOIN messages m ON m.id = d.message_id JOIN clients c ON c.id = m.client_id
            WHERE d.mailing_id = $1 AND d.delivery = 'undelivered' AND m.status = 'sent'
                AND c.phone IS NOT NULL AND c.suppression_id IS NULL AND NOT attempt_is_open(m)
            """,
            mailing_id,
        )
        return undelivered
    value: int = await connection.fetchval(
        """
        SELECT count(*) FROM messages m JOIN clients c ON c.id = m.client_id
        WHERE m.mailing_id = $1 AND m.unsent_status = ANY ($2::text[]::message_status[])
            AND m.unsent_status IS NOT NULL
            AND c.phone IS NOT NULL AND c.suppression_id IS NULL AND NOT attempt_is_open(m)
            AND ($3 OR m.reason IS NULL OR m.reason NOT LIKE 'outcome unknown%')
        """,
        mailing_id,
        wanted.statuses,
        wanted.include_unknown,
    )
    return value


async def add(connection: Connection, mailing_id: int, wanted: ResendChoice, request_id: str) -> None:
    await connection.execute(
        """
        INSERT INTO resends (mailing_id, statuses, request_id, include_unknown, delivery)
        VALUES ($1, $2::text[]::message_status[], $3, $4, nullif($5::text[], '{}'))
        """,
        mailing_id,
        wanted.statuses,
        request_id,
        wanted.include_unknown,
        wanted.delivery,
    )


async def add_messages(connection: Connection, mailing_id: int, message_ids: Sequence[int], request_id: str) -> None:
    """Requests a new round for single messages."""
    await connection.execute(
        "INSERT INTO resends (mailing_id, statuses, message_ids, request_id) VALUES ($1, '{}', $2, $3)",
        mailing_id,
        message_ids,
        request_id,
    )


async def run_until(connection: Connection, mailing_id: int, end_at: datetime | None, *, restarts: bool) -> None:
    """Moves the end of a mailing, unless `end_at` is None.

    If `restarts`, a finished mailing runs again, and is not closing any more.
    """
    await connection.execute(
        """
        UPDATE mailings
        SET end_at = coalesce($2, end_at), updated_at = clock_timestamp(),
            status = CASE WHEN $3 THEN 'running' ELSE status END,
            finished_at = CASE WHEN $3 THEN NULL ELSE finished_at END
        WHERE id = $1 AND (end_at <> $2 OR $3)
        """,
        mailing_id,
        end_at,
        restarts,
    )
    if restarts:
        await connection.execute("UPDATE mailing_work SET closing_at = NULL WHERE mailing_id = $1", mailing_id)
