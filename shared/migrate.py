"""Migrates the database schema with the numbered .sql files of shared/migrations/."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared import logs

FOLDER = Path(__file__).parent / "migrations"
# An arbitrary number, which every Herald that shares a database must use.
LOCK_KEY = 4_837_251_190
NO_TRANSACTION = "-- no-transaction"
# A statement that waits for a lock makes everybody wait who comes after it, readers too. So it waits this long at the
# most, and then lets the others pass before it tries again.
LOCK_WAIT = "2s"
LOCK_PAUSE_SECONDS = 3.0


class SchemaError(Exception):
    """The schema does not fit this version of Herald. The message names what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered .sql file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> list[Migration]:
    """Lists the migrations of this version of Herald, in order."""
    return [
        Migration(int(path.name[:4]), path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]


async def migrate(connection: asyncpg.Connection, *, lock_timeout: float = 60, table_timeout: float = 600) -> list[str]:
    """Applies the missing migrations and returns their names. Several processes may run it at once.

    Polls the advisory lock, since a lock that is waited for in the server would deadlock with CREATE INDEX
    CONCURRENTLY. Raises SchemaError when an applied migration differs from its file, when the lock is not free
    within `lock_timeout` seconds, or when a table stays locked by others for `table_timeout` seconds, which are tried
    in pieces so that nobody waits for a migration that waits.
    """
    await _lock(connection, lock_timeout)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = await _applied(connection)
        missing = [step for step in available() if step.number not in done]
        for step in missing:
            await _apply_between_locks(connection, step, table_timeout)
        return [step.name for step in missing]
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


async def require_current(connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy) -> None:
    """Raises SchemaError unless all migrations of this version are applied. Those of a newer version are ignored."""
    if await connection.fetchval("SELECT to_regclass('migrations') IS NULL"):
        raise SchemaError("the database has no Herald schema: run `herald migrate`")
    applied = {row["number"] for row in await connection.fetch("SELECT number FROM migrations")}
    missing = [step.name for step in available() if step.number not in applied]
    if missing:
        raise SchemaError(f"the database schema lacks {', '.join(missing)}: run `herald migrate`")


async def _lock(connection: asyncpg.Connection, seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        if asyncio.get_running_loop().time() > deadline:
            raise SchemaError(f"another migration has held the lock for {seconds:.0f} s: try again later")
        await asyncio.sleep(0.2)


async def _applied(connection: asyncpg.Connection) -> dict[int, str]:
    rows = await connection.fetch("SELECT number, name, checksum FROM migrations ORDER BY number")
    files = {step.number: step for step in available()}
    for row in rows:
        step = files.get(row["number"])
        if step is not None and step.checksum != row["checksum"]:
            raise SchemaError(f"migration {row['name']} was changed after it was applied: restore its file")
    return {row["number"]: row["name"] for row in rows}


async def _apply_between_locks(connection: asyncpg.Connection, step: Migration, seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            await _apply(connection, step)
            return
        except asyncpg.LockNotAvailableError as error:
            holders = await _list_lock_holders(connection)
            if asyncio.get_running_loop().time() > deadline:
                raise SchemaError(f"{step.name} needs a table that others have locked: {holders}") from error
            logs.get().warning("migration waits for a lock", migration=step.name, holders=holders)
        await asyncio.sleep(LOCK_PAUSE_SECONDS)


async def _list_lock_holders(connection: asyncpg.Connection) -> str:
    """Returns the sessions of this database with the oldest open transactions: one of them has the lock."""
    rows = await connection.fetch(
        """
        SELECT pid, application_name, date_trunc('second', now() - xact_start)::text AS age FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
        ORDER BY xact_start LIMIT 3
        """
    )
    found = [f"pid {row['pid']} ({row['application_name'] or 'unnamed'}), open for {row['age']}" for row in rows]
    return "; ".join(found) or "a session that is gone by now"


async def _apply(connection: asyncpg.Connection, step: Migration) -> None:
    record = "INSERT INTO migrations (number, name, checksum) VALUES ($1, $2, $3)"
    if step.sql.startswith(NO_TRANSACTION):
        await connection.execute(step.sql)
        await connection.execute(record, step.number, step.name, step.checksum)
    else:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
            await connection.execute(step.sql)
            await connection.execute(record, step.number, step.name, step.checksum)
    logs.get().info("migration applied", migration=step.name)
