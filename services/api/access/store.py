"""Reads the tokens table, as far as a request needs it."""

from services.api.access.identity import Identity
from shared.database import Pool


async def find(pool: Pool, hashed: bytes) -> Identity | None:
    """Finds the identity of a token that is neither expired nor revoked, by its hash."""
    row = await pool.fetchrow(
        """
        SELECT name, role FROM tokens
        WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        """,
        hashed,
    )
    return None if row is None else Identity(name=row["name"], role=row["role"])
