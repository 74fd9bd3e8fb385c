"""A database connection for a command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cli.failure import Failure
from cli.service_wait import Service, connect
from shared.database import DATABASE_OUTAGES, WRONG_SETTINGS, describe, explain_refusal

DATABASE = Service("database", "HERALD_DATABASE_URL", DATABASE_OUTAGES, describe)


@asynccontextmanager
async def open_database(url: str, patience: float = 0) -> AsyncIterator[asyncpg.Connection]:
    """Connects, and keeps trying for `patience` seconds while the database is away. Raises Failure."""
    connection = await connect(DATABASE, lambda: _attempt(url), patience)
    try:
        yield connection
    finally:
        await connection.close()


async def _attempt(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url, timeout=5, server_settings={"timezone": "UTC"})
    except (*WRONG_SETTINGS, ValueError) as error:
        raise Failure(f"HERALD_DATABASE_URL: {explain_refusal(error)}", code=2) from error
