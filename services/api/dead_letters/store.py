"""Reads the messages whose jobs are dead letters."""

from collections.abc import Sequence

from services.api.dead_letters.replay_rules import MessageFacts
from shared.database import Connection


async def lock_mailings(connection: Connection, mailing_ids: Sequence[int]) -> None:
    """Locks mailings in order of id, so that decisions about them stay valid until the transaction ends."""
    await connection.execute("SELECT 1 FROM mailings WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE", mailing_ids)


async def message_facts(connection: Connection, message_ids: Sequence[int]) -> dict[int, MessageFacts]:
    """Reads the facts of messages, by id. Messages that are not in the tables are left out."""
    rows = await connection.fetch(
        """
        SELECT m.id, m.mailing_id, m.status::text, attempt_is_open(m) AS open, g.status AS mailing_status,
            g.end_at <= clock_timestamp() OR w.closing_at IS NOT NULL AS ended, c.phone IS NOT NULL AS client_alive
        FROM messages m
        JOIN mailings g ON g.id = m.mailing_id
        JOIN mailing_work w ON w.mailing_id = m.mailing_id
        JOIN clients c ON c.id = m.client_id
        WHERE m.id = ANY ($1::bigint[])
        """,
        message_ids,
    )
    return {
        row["id"]: MessageFacts(
            mailing_id=row["mailing_id"],
            status=row["status"],
            open=row["open"],
            mailing_status=row["mailing_status"],
            ended=row["ended"],
            client_alive=row["client_alive"],
        )
        for row in rows
    }
