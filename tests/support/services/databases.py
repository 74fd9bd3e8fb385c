"""Databases on the PostgreSQL of a test run.

To create and drop one takes up to a second, to empty one a few hundredths. So a worker keeps the database of a test for
its next one, unless the test changed more than rows.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

# More than this much is left by a test of many messages, and a database of dead rows is slow.
MOST_GROWTH = 4_000_000

# What a test changes beside rows: tables, columns, functions, triggers, rights, settings, and the planner's statistics.
SHAPE = """
    WITH mine AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
    SELECT concat_ws(' ',
        (SELECT sum(hashtext(concat_ws(' ', nspname, nspacl::text)))
            FROM pg_namespace WHERE oid IN (SELECT oid FROM mine)),
        (SELECT sum(hashtext(concat_ws(' ', relname, relkind, relacl::text, reloptions::text, reltuples)))
            FROM pg_class WHERE relnamespace IN (SELECT oid FROM mine)),
        (SELECT sum(hashtext(concat_ws(' ', attrelid, attname, atttypid, attnotnull, attacl::text)))
            FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace IN (SELECT oid FROM mine)),
        (SELECT sum(hashtext(concat_ws(' ', proname, prosrc, proacl::text)))
            FROM pg_proc WHERE pronamespace IN (SELECT oid FROM mine)),
        (SELECT sum(hashtext(concat_ws(' ', tgname, tgenabled))) FROM pg_trigger),
        (SELECT sum(hashtext(conname)) FROM pg_constraint WHERE connamespace IN (SELECT oid FROM mine)),
        (SELECT sum(hashtext(setconfig::text)) FROM pg_db_role_setting
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())))
"""
TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
START_SEQUENCES = (
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A database as it was made: its URL and size, its shape, its tables, and the rows of those that have some."""

    url: str
    name: str
    size: int
    shape: str
    tables: list[str]
    rows: dict[str, list[str]]


class ReusedDatabases:
    """The databases of a worker, which tests take in turn."""

    def __init__(self, admin_url: str, template: str, prefix: str) -> None:
        self._admin_url = admin_url
        self._template = template
        self._prefix = prefix
        self._free: list[Fresh] = []

    async def take(self) -> Fresh:
        """Returns a database as the template has it."""
        return self._free.pop() if self._free else await self._make()

    async def give_back(self, used: Fresh) -> None:
        """Empties a database, or drops it if more than its rows changed."""
        if await _empty(used):
            self._free.append(used)
        else:
            await drop_database(self._admin_url, used.name)

    async def drop_all(self) -> None:
        while self._free:
            await drop_database(self._admin_url, self._free.pop().name)

    async def _make(self) -> Fresh:
        name = f"{self._prefix}_{secrets.token_hex(4)}"
        url = await create_database(self._admin_url, name, self._template)
        connection = await asyncpg.connect(url)
        try:
            tables = [row[0] for row in await connection.fetch(TABLES)]
            rows = {table: await _rows_of(connection, table) for table in tables}
            size, shape = await _measure(connection)
        finally:
            await connection.close()
        return Fresh(url, name, size, shape, tables, {table: found for table, found in rows.items() if found})


async def _rows_of(connection: asyncpg.Connection, table: str) -> list[str]:
    return [row[0] for row in await connection.fetch(f"SELECT t::text FROM {table} t")]


async def _measure(connection: asyncpg.Connection) -> tuple[int, str]:
    row = await connection.fetchrow(f"SELECT pg_database_size(current_database()), ({SHAPE})")
    assert row is not None
    return row[0], row[1]


async def _empty(used: Fresh) -> bool:
    """Makes the rows of a database what they were. Returns False if that is not enough."""
    try:
        connection = await asyncpg.connect(used.url)
    except (OSError, asyncpg.PostgresError):
        return False
    try:
        await connection.fetch(END_OTHERS)
        size, shape = await _measure(connection)
        if shape != used.shape or size > used.size + MOST_GROWTH:
            return False
        # Without triggers and foreign keys, so in any order.
        await connection.execute("SET session_replication_role = replica; SET default_transaction_read_only = off")
        await connection.execute(";".join(f"DELETE FROM {table}" for table in used.tables))
        for table, rows in used.rows.items():
            await connection.execute(f"INSERT INTO {table} SELECT (row::{table}).* FROM unnest($1::text[]) row", rows)
        await connection.fetch(START_SEQUENCES)
    except (OSError, asyncpg.PostgresError):
        return False
    finally:
        await connection.close()
    return True


def with_database(url: str, name: str) -> str:
    """Returns the URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def create_database(admin_url: str, name: str, template: str) -> str:
    """Creates a copy of the template, which has the current schema, and returns its URL."""
    await execute(admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return with_database(admin_url, name)


async def drop_database(admin_url: str, name: str) -> None:
    await execute(admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
