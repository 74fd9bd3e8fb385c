"""Migrations against a real database."""

import asyncpg
import pytest

from shared.migrate import SchemaError, available, migrate, require_current


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
