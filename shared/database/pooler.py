"""Finds a pooler that gives each transaction another session, as pgbouncer does in transaction mode.

Herald's connections are sessions: they have parameters, prepared statements and a LISTEN (docs/scaling.md).
"""

import asyncpg

Session = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

REMEDY = "give HERALD_DATABASE_URL PostgreSQL's own address, or a pooler in session mode: docs/scaling.md, A pooler"
# What a server says to the prepared statement of another session.
LOST_STATEMENTS = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
LOOKS = 5


class PoolerFound(Exception):
    """A pooler stands before the database that Herald cannot work with. The text names what to change."""


async def require_sessions(one: Session, other: Session) -> None:
    """Raises PoolerFound unless two connections, both open, have a session each, and keep it.

    A pooler in transaction mode hands the session that the one has just left to the other, or, while it is busy, to
    somebody else, so that the next statement of the one is in another session.
    """
    seen: dict[Session, int] = {}
    try:
        for _ in range(LOOKS):
            for connection in (one, other):
                number = await connection.fetchval("SELECT pg_backend_pid()")
                if seen.setdefault(connection, number) != number:
                    raise PoolerFound(f"a connection goes from session to session: {REMEDY}")
            if seen[one] == seen[other]:
                raise PoolerFound(f"two connections share a session: {REMEDY}")
    except LOST_STATEMENTS as error:
        raise PoolerFound(f"two connections share a session ({str(error).splitlines()[0]}): {REMEDY}") from error
