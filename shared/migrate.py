"""Brings the database schema up to date from the numbered .sql files in shared/migrations/."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared import logs

FOLDER = Path(__file__).parent / "migrations"
# Any fixed number will do, as long as every Herald that shares a database uses the same.
LOCK_KEY = 4_837_251_190
NO_TRANSACTION = "-- no-transaction"


class SchemaError(Exception):
    """The schema is not what this version of Herald needs. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> list[Migration]:
    """Lists the migrations that come with this version, in order."""
    return [
        Migration(int(path.name[:4]), path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]


async def migrate(connection: asyncpg.Connection, *, patience: float = 60) -> list[str]:
    """Applies what is missing and returns the names applied. Safe when several run at once.

    Polls the advisory lock, since one that waits in the server would deadlock with CREATE INDEX CONCURRENTLY.
    Raises SchemaError when an applied migration differs from its file, or the lock is not had in `patience` s.
    """
    await _lock(connection, patience)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = await _applied(connection)
        missing = [step for step in available() if step.number not in done]
        for step in missing:
            await _apply(connection, step)
        return [step.name for step in missing]
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


async def require_current(connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy) -> None:
    """Raises SchemaError unless all of this version's migrations are applied. Those of a newer one do not matter."""
    if await connection.fetchval("SELECT to_regclass('migrations') IS NULL"):
        raise SchemaError("the database has no Herald schema: run `herald migrate`")
    applied = {row["number"] for row in await connection.fetch("SELECT number FROM migrations")}
    missing = [step.name for step in available() if step.number not in applied]
    if missing:
        raise SchemaError(f"the database schema lacks {', '.join(missing)}: run `herald migrate`")


async def _lock(connection: asyncpg.Connection, patience: float) -> None:
    deadline = asyncio.get_running_loop().time() + patience
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        if asyncio.get_running_loop().time() > deadline:
            raise SchemaError(f"another migration has held the lock for {patience:.0f} s: try again later")
        await asyncio.sleep(0.2)


async def _applied(connection: asyncpg.Connection) -> dict[int, str]:
    rows = await connection.fetch("SELECT number, name, checksum FROM migrations ORDER BY number")
    files = {step.number: step for step in available()}
    for row in rows:
        step = files.get(row["number"])
        if step is not None and step.checksum != row["checksum"]:
            raise SchemaError(f"migration {row['name']} was changed after it was applied: restore its file")
    return {row["number"]: row["name"] for row in rows}


async def _apply(connection: asyncpg.Connection, step: Migration) -> None:
    record = "INSERT INTO migrations (number, name, checksum) VALUES ($1, $2, $3)"
    if step.sql.startswith(NO_TRANSACTION):
        await connection.execute(step.sql)
        await connection.execute(record, step.number, step.name, step.checksum)
    else:
        async with connection.transaction():
            await connection.execute(step.sql)
            await connection.execute(record, step.number, step.name, step.checksum)
    logs.get().info("migration applied", migration=step.name)
