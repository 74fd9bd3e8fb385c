"""Reads the tokens table, as far as a request needs it."""

from services.api.access.identity import Identity
from services.api.access.known_tokens import StoredToken
from shared.database import Pool


async def valid_tokens(pool: Pool) -> list[StoredToken]:
    """Lists the tokens that are neither expired nor revoked."""
    rows = await pool.fetch(
        """
        SELECT hash, name, role, extract(epoch FROM expires_at - clock_timestamp())::float8 AS seconds_left FROM tokens
        WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
        """
    )
    return [StoredToken(row["hash"], Identity(name=row["name"], role=row["role"]), row["seconds_left"]) for row in rows]
