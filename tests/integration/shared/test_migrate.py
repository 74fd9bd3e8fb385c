"""Migrations against a real database."""

import asyncio

import asyncpg
import pytest

from shared.migrate import Migration, SchemaError, available, migrate, require_current


async def test_a_migration_left_out_in_the_middle_is_missed_and_then_applied(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await require_current(connection)
        (left_out,) = [step for step in available() if step.name == "0020_events"]
        # As if somebody had applied the newest one before another was written.
        await connection.execute("INSERT INTO migrations (number, name, checksum) VALUES (9999, '9999_later', '')")
        await connection.execute("DELETE FROM migrations WHERE number = $1", left_out.number)
        await connection.execute("DROP TABLE events CASCADE; DROP FUNCTION refuse_to_change_history")
        with pytest.raises(SchemaError, match=left_out.name):
            await require_current(connection)
        assert await migrate(connection) == [left_out.name]
        await require_current(connection)
    finally:
        await connection.close()


async def test_a_migration_that_waits_for_a_lock_lets_readers_pass(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.migrate.LOCK_WAIT", "200ms")
    monkeypatch.setattr("shared.migrate.LOCK_PAUSE_SECONDS", 0.5)
    step = Migration(9000, "9000_later", "ALTER TABLE mailings ADD COLUMN later integer")
    monkeypatch.setattr("shared.migrate.available", lambda: [*available(), step])
    dump, reader, migrating = [await asyncpg.connect(database_url) for _ in range(3)]
    try:
        # As pg_dump does for hours: it reads, in one transaction.
        await dump.execute("BEGIN")
        await dump.execute("LOCK TABLE mailings IN ACCESS SHARE MODE")
        with pytest.raises(
            SchemaError, match=rf"9000_later needs a table that others have locked: .*pid {dump.get_server_pid()}"
        ):
            await migrate(migrating, table_timeout=0)
        waiting = asyncio.ensure_future(migrate(migrating))
        for _ in range(10):
            async with asyncio.timeout(2):
                await reader.fetchval("SELECT count(*) FROM mailings")
            await asyncio.sleep(0.1)
        assert not waiting.done()
        await dump.execute("ROLLBACK")
        assert await waiting == ["9000_later"]
    finally:
        for connection in (dump, reader, migrating):
            await connection.close()
