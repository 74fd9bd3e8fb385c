"""Erases files of recipients that no mailing needs any more, and with them the phones of their guests."""

from shared.database import Connection, Pool


async def erase_chunk(pool: Pool, limit: int) -> bool:
    """Erases up to `limit` recipients and guests of one file that is over. Returns whether there was such a file.

    A file is over when the mailings with it were deleted, or a day after it came if none has it; that of a test-send a
    day after its end.
    """
    async with pool.acquire() as connection, connection.transaction():
        file_id = await connection.fetchval(
            """
            SELECT id FROM recipient_files f
            WHERE NOT EXISTS (
                    SELECT FROM mailings m WHERE m.file_id = f.id AND m.deleted_at IS NULL
                        AND (NOT m.test OR m.finished_at IS NULL OR m.finished_at > now() - interval '1 day')
                ) AND (received_at < now() - interval '1 day' OR EXISTS (SELECT FROM mailings m WHERE m.file_id = f.id))
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
            """
        )
        if file_id is None:
            return False
        if await _erase(connection, file_id, limit) == 0:
            await connection.execute("DELETE FROM recipient_files WHERE id = $1", file_id)
        return True


async def _erase(connection: Connection, file_id: int, limit: int) -> int:
    """Deletes what lines of a file said, and the phones of their guests. Returns how many lines.

    A guest who never got a message is deleted; any other keeps its row, which its messages name.
    """
    value: int = await connection.fetchval(
        """
        WITH line AS MATERIALIZED (
            SELECT client_id FROM recipients WHERE file_id = $1 ORDER BY client_id LIMIT $2
        ), guest AS MATERIALIZED (
            SELECT c.id, EXISTS (SELECT FROM messages x WHERE x.client_id = c.id) AS kept
            FROM clients c WHERE c.id IN (SELECT client_id FROM line) AND c.guest_of = $1
        ), erased AS (
            UPDATE clients c SET phone = NULL, updated_at = now() FROM guest g WHERE c.id = g.id AND g.kept
        ), deleted AS (
            DELETE FROM clients c USING guest g WHERE c.id = g.id AND NOT g.kept
        ), lines AS (
            DELETE FROM recipients WHERE file_id = $1 AND client_id IN (SELECT client_id FROM line) RETURNING 1
        )
        SELECT count(*) FROM lines
        """,
        file_id,
        limit,
    )
    return value
