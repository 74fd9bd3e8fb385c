"""A database connection for a command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import typer

from cli.failure import Failure
from shared.database import OUTAGES, WRONG_SETTINGS, describe, refusal
from shared.startup import Backoff


@asynccontextmanager
async def open_database(url: str, patience: float = 0) -> AsyncIterator[asyncpg.Connection]:
    """Connect, and keep trying for `patience` seconds while the database is away. Raises Failure."""
    connection = await _connect(url, patience)
    try:
        yield connection
    finally:
        await connection.close()


async def _connect(url: str, patience: float) -> asyncpg.Connection:
    backoff, deadline = Backoff(), asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await asyncpg.connect(url, timeout=5, server_settings={"timezone": "UTC"})
        except (*WRONG_SETTINGS, ValueError) as error:
            raise Failure(f"HERALD_DATABASE_URL: {refusal(error)}", code=2) from error
        except OUTAGES as error:
            if asyncio.get_running_loop().time() >= deadline:
                raise Failure(f"no database answers at HERALD_DATABASE_URL: {describe(error)}") from error
            typer.echo(f"waiting for the database: {describe(error)}", err=True)
        await asyncio.sleep(backoff.next())
