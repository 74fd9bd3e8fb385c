"""What a process notices of its database and of the settings of others, against a real PostgreSQL."""

import asyncio

import asyncpg
from prometheus_client import CollectorRegistry

from shared import database
from shared.checks.database import DatabaseCheck
from shared.checks.settings import SettingsCheck
from shared.health import Health


async def test_a_connection_to_a_server_that_takes_no_writes_is_renewed(database_url: str) -> None:
    health, registry = Health(), CollectorRegistry()
    async with database.connect(database_url, health, asyncio.Event(), size=1) as pool:
        check = DatabaseCheck(pool, health, registry)
        await check.check()
        assert health.ready
        # As if the server behind this connection had been demoted; the next connection leads to the new primary.
        await pool.execute("SET default_transaction_read_only = on")
        await check.check()
        assert not health.ready
        assert "takes no writes" in health.reasons["database"]
        assert registry.get_sample_value("herald_database_read_only") == 1
        await check.check()
        assert health.ready
        assert registry.get_sample_value("herald_database_read_only") == 0


async def test_a_database_that_takes_no_writes_stays_down_until_it_does(database_url: str) -> None:
    health = Health()
    async with database.connect(database_url, health, asyncio.Event(), size=1) as pool:
        check = DatabaseCheck(pool, health, CollectorRegistry())
        name = await pool.fetchval("SELECT current_database()")
        await pool.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await pool.expire_connections()
        await check.check()
        await check.check()
        assert not health.ready
        administrator = await asyncpg.connect(database_url, server_settings={"default_transaction_read_only": "off"})
        await administrator.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await administrator.close()
        await check.check()
        await check.check()
        assert health.ready


async def test_settings_that_differ_between_processes_show_in_both_and_end_with_one(database_url: str) -> None:
    mine, theirs = Health(), Health()
    async with database.connect(database_url, mine, asyncio.Event(), size=2) as pool:
        first = SettingsCheck(pool, mine, CollectorRegistry(), "planner", {"HERALD_RETRY_DELAYS": "5s"})
        registry = CollectorRegistry()
        async with (
            first,
            SettingsCheck(pool, theirs, registry, "dispatcher", {"HERALD_RETRY_DELAYS": "6s"}) as second,
        ):
            await first.compare()
            await second.compare()
            assert "HERALD_RETRY_DELAYS is 6s here and 5s in planner" in theirs.details["settings"]
            assert registry.get_sample_value("herald_settings_different", {"variable": "HERALD_RETRY_DELAYS"}) == 1
            await first.compare()
            assert "settings" in mine.details
            assert first.elsewhere("HERALD_RETRY_DELAYS") == {"6s"}
        await first.compare()
        assert "settings" not in mine.details
