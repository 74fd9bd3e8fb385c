"""Attempts that never got a result."""

from collections.abc import Sequence

from shared.database import Connection


async def record_lost(connection: Connection, attempts: Sequence[tuple[int, int]]) -> None:
    """Records attempts (message id, number) whose result never came as lost, and counts them."""
    await connection.execute(
        """
        WITH lost AS (
            INSERT INTO attempts (message_id, number, mailing_id, outcome)
            SELECT v.message_id, v.number, m.mailing_id, 'lost'
            FROM unnest($1::bigint[], $2::int[]) AS v (message_id, number)
            JOIN messages m ON m.id = v.message_id
            ON CONFLICT DO NOTHING RETURNING mailing_id
        )
        INSERT INTO outcomes AS o (mailing_id, outcome, count)
        SELECT mailing_id, 'lost', count(*) FROM lost GROUP BY mailing_id ORDER BY mailing_id
        ON CONFLICT (mailing_id, outcome) DO UPDATE SET count = o.count + EXCLUDED.count
        """,
        [message_id for message_id, _ in attempts],
        [number for _, number in attempts],
    )
