"""Reads test-sends: mailings that no list shows."""

import asyncpg

from services.api.test_sends.responses import TestMessage, TestSend
from shared.database import Connection, Pool
from shared.statuses import OPTED_OUT


async def get(connection: Connection | Pool, mailing_id: int) -> TestSend | None:
    """Reads a test-send with what became of it, one message for each phone in the order in which they were given."""
    rows = await connection.fetch(
        """
        SELECT m.id, m.text, m.created_at, m.end_at, m.status IN ('finished', 'cancelled') AS finished,
            c.phone, x.id AS message_id,
            -- Who is on the stop list gets nothing, also while the planner has made no message yet.
            coalesce(x.status::text, CASE WHEN c.suppression_id IS NULL THEN 'pending' ELSE 'cancelled' END) AS status,
            coalesce(x.reason, CASE WHEN x.id IS NULL AND c.suppression_id IS NOT NULL THEN $2::text END) AS reason,
            greatest(x.attempts, f.folded_number, 0) AS attempts
        FROM mailings m
        LEFT JOIN recipients r ON r.file_id = m.file_id
        LEFT JOIN clients c ON c.id = r.client_id
        LEFT JOIN messages x ON x.client_id = r.client_id AND x.mailing_id = m.id
        LEFT JOIN flights f ON f.message_id = x.id
        WHERE m.id = $1 AND m.test AND m.deleted_at IS NULL
        ORDER BY r.line
        """,
        mailing_id,
        OPTED_OUT,
    )
    return _test_send(rows) if rows else None


def _test_send(rows: list[asyncpg.Record]) -> TestSend:
    messages = [TestMessage.model_validate(dict(row)) for row in rows if row["attempts"] is not None]
    return TestSend.model_validate({**rows[0], "messages": messages})
