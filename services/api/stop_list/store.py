"""Reads and writes the stop list."""

from shared.database import Connection

# An advisory lock: shared by whoever writes a phone to the directory, exclusive to whoever changes the list.
LOCK = 4_837_251_191


async def share(connection: Connection) -> bytes | None:
    """Keeps the list from changing until the transaction ends. Returns the check of its key; None if it is empty."""
    found: bytes | None = await connection.fetchval(
        """
        SELECT (SELECT key_check FROM suppressions LIMIT 1)
        FROM (SELECT pg_advisory_xact_lock_shared($1)) AS shared
        """,
        LOCK,
    )
    return found
