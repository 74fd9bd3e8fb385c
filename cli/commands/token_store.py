"""The SQL statements of `herald token`."""

from datetime import timedelta

import asyncpg


async def insert(connection: asyncpg.Connection, name: str, role: str, digest: bytes, lasts: timedelta | None) -> None:
    """Stores the hash of a token, which is valid for `lasts` from now, or until it is revoked.

    Raises UniqueViolationError and CheckViolationError of asyncpg for a bad name.
    """
    await connection.execute(
        "INSERT INTO tokens (name, role, hash, expires_at) VALUES ($1, $2, $3, now() + $4::interval)",
        name,
        role,
        digest,
        lasts,
    )


async def select_all(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Returns name, role, created_at, expires_at and revoked_at of every token, the oldest first."""
    return await connection.fetch(
        "SELECT name, role, created_at, expires_at, revoked_at FROM tokens ORDER BY created_at, id"
    )


async def revoke(connection: asyncpg.Connection, name: str) -> bool:
    """Revokes the valid token of this name, and returns whether there was one."""
    found = await connection.fetchval(
        "UPDATE tokens SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING id", name
    )
    return found is not None
