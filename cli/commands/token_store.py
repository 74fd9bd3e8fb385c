"""The SQL statements of `herald token`. Each change is added to the events, as one by the API is."""

import getpass
from datetime import timedelta

import asyncpg


async def insert(connection: asyncpg.Connection, name: str, role: str, digest: bytes, lasts: timedelta | None) -> None:
    """Stores the hash of a token, which is valid for `lasts` from now, or until it is revoked.

    Raises UniqueViolationError and CheckViolationError of asyncpg for a bad name.
    """
    await connection.execute(
        """
        WITH made AS (
            INSERT INTO tokens (name, role, hash, expires_at) VALUES ($1, $2, $3, now() + $4::interval)
            RETURNING name, role
        )
        INSERT INTO events (kind, detail)
        SELECT 'token_created', jsonb_build_object('by', $5::text, 'whose', name, 'role', role) FROM made
        """,
        name,
        role,
        digest,
        lasts,
        _user(),
    )


async def select_all(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Returns name, role, created_at, last_used_at, expires_at and revoked_at of every token, the oldest first."""
    return await connection.fetch(
        "SELECT name, role, created_at, last_used_at, expires_at, revoked_at FROM tokens ORDER BY created_at, id"
    )


async def revoke(connection: asyncpg.Connection, name: str) -> bool:
    """Revokes the valid token of this name, and returns whether there was one."""
    found = await connection.fetchval(
        """
        WITH revoked AS (
            UPDATE tokens SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING name
        )
        INSERT INTO events (kind, detail)
        SELECT 'token_revoked', jsonb_build_object('by', $2::text, 'whose', name) FROM revoked RETURNING id
        """,
        name,
        _user(),
    )
    return found is not None


def _user() -> str:
    """Returns how events name who runs this command: no token has a name with a colon."""
    try:
        return f"command:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container may run under a user id that has no name.
        return "command:"
