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

DATABASE = Service("PostgreSQL", "HERALD_DATABASE_URL", DATABASE_OUTAGES, describe)


@asynccontextmanager
async def open_database(url: str, wait_seconds: float = 0) -> AsyncIterator[asyncpg.Connection]:
    """Connects to PostgreSQL, and retries for `wait_seconds` while it does not answer. Raises Failure."""
    judge(weaknesses_of_database(url))
    connection = await connect(DATABASE, lambda: _attempt(url), wait_seconds)
    try:
        yield connection
    finally:
        await connection.close()


async def apply_migrations(url: str, wait_seconds: float = 0) -> list[str]:
    """Applies the missing migrations and returns their names. Raises Failure and SchemaError."""
    async with open_database(url, wait_seconds) as connection:
        return await migrate(connection)


async def _attempt(url: str) -> asyncpg.Connection:
    try:
        return await open_connection(url)
    except (*NOT_USABLE, ValueError) as error:
        raise Failure(f"HERALD_DATABASE_URL: {explain_refusal(error)}", code=2) from error
