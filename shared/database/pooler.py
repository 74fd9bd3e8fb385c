"""Finds a pooler that gives each transaction another session, as pgbouncer does in transaction mode.

Herald's connections are sessions: they have parameters, prepared statements and a LISTEN (docs/scaling.md).
"""

import asyncpg

Session = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

REMEDY = "give HERALD_DATABASE_URL PostgreSQL's own address, or a pooler in session mode: docs/scaling.md, A pooler"
# What pgbouncer says to parameters that it does not follow, and a server that does not know the statement of another.
PARAMETER = "unsupported startup parameter"
LOST_STATEMENTS = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
LOOKS = 3


class PoolerFound(Exception):
    """A pooler stands before the database that Herald cannot work with. The text names what to change."""


async def require_sessions(one: Session, other: Session) -> None:
    """Raises PoolerFound unless two connections, both open, have a session each.

    A pooler in transaction mode hands the session that the one has just left to the other.
    """
    try:
        for _ in range(LOOKS):
            if await one.fetchval("SELECT pg_backend_pid()") == await other.fetchval("SELECT pg_backend_pid()"):
                raise PoolerFound(f"two connections share a session: {REMEDY}")
    except LOST_STATEMENTS as error:
        raise PoolerFound(f"{error}: {REMEDY}") from error


async def require_parameters(session: Session, wanted: dict[str, str]) -> None:
    """Raises PoolerFound unless the session has these parameters: a pooler may be told to ignore them."""
    rows = await session.fetch(
        "SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[]) ORDER BY name", list(wanted)
    )
    ignored = [row["name"] for row in rows if row["setting"].lower() != wanted[row["name"]].lower()]
    if ignored:
        raise PoolerFound(f"the session does not take {', '.join(ignored)}: {REMEDY}")
