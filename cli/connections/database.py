"""Opens a connection to PostgreSQL for a command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cli.connections.transport import judge
from cli.connections.waiting import Service, connect
from cli.failure import Failure
from shared.database import DATABASE_OUTAGES, NOT_USABLE, describe, explain_refusal, open_connection
from shared.migrate import migrate
from shared.transport import weaknesses_of_database

CHECK_URL = "check HERALD_DATABASE_URL"


@asynccontextmanager
async def open_database(
    url: str, wait_seconds: float = 0, remedy: str = CHECK_URL
) -> AsyncIterator[asyncpg.Connection]:
    """Connects to PostgreSQL, and retries for `wait_seconds` while it does not answer. Raises Failure."""
    judge(weaknesses_of_database(url))
    service = Service("PostgreSQL", remedy, DATABASE_OUTAGES, describe)
    connection = await connect(service, lambda: _attempt(url, remedy), wait_seconds)
    try:
        yield connection
    finally:
        await connection.close()


async def apply_migrations(url: str, wait_seconds: float = 0, remedy: str = CHECK_URL) -> list[str]:
    """Applies the missing migrations and returns their names. Raises Failure and SchemaError."""
    async with open_database(url, wait_seconds, remedy) as connection:
        return await migrate(connection)


async def _attempt(url: str, remedy: str) -> asyncpg.Connection:
    try:
        return await open_connection(url)
    except (*NOT_USABLE, ValueError) as error:
        if remedy == CHECK_URL:
            raise Failure(f"HERALD_DATABASE_URL: {explain_refusal(error)}", code=2) from error
        # The default URL led to a database that is not Herald's.
        raise Failure(f"PostgreSQL refuses ({describe(error)}): {remedy}", code=2) from error
