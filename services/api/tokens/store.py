"""Reads and writes tokens."""

from datetime import datetime

import asyncpg

from services.api.tokens.responses import TokenShown
from shared.database import Connection, Pool
from shared.statuses import Role


class TokenNameTaken(Exception):
    """Another token has or had this name."""


async def insert(
    connection: Connection, name: str, role: Role, hashed: bytes, expires_at: datetime | None
) -> TokenShown:
    """Stores the hash of a token. Raises TokenNameTaken."""
    row = await connection.fetchrow(
        """
        INSERT INTO tokens (name, role, hash, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING
        RETURNING id, name, role, created_at, expires_at, revoked_at, last_used_at
        """,
        name,
        role,
        hashed,
        expires_at,
    )
    if row is None:
        raise TokenNameTaken
    return _found(row)


async def page(pool: Pool, *, before: int, limit: int) -> list[TokenShown]:
    """Lists tokens, the newest first."""
    rows = await pool.fetch(
        """
        SELECT id, name, role, created_at, expires_at, revoked_at, last_used_at FROM tokens
        WHERE id < $1 ORDER BY id DESC LIMIT $2
        """,
        before,
        limit,
    )
    return [_found(row) for row in rows]


async def revoke(connection: Connection, token_id: int) -> str | None:
    """Revokes a token. Returns its name; None if there is none that is not revoked."""
    name: str | None = await connection.fetchval(
        "UPDATE tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING name", token_id
    )
    return name


def _found(row: asyncpg.Record) -> TokenShown:
    return TokenShown(**row)
