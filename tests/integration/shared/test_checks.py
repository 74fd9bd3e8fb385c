"""What a process notices of its database and of the settings of others, against a real PostgreSQL."""

import asyncio
import secrets
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from shared import database
from shared.checks.database import DatabaseCheck
from shared.checks.settings import SettingsCheck
from shared.health import Health
from tests.support.polling import until
from tests.support.relay import Relay
from tests.support.services import databases


def with_user(url: str, user: str, password: str) -> str:
    """Returns the URL with another user, at the same server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"))


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


async def test_rights_that_are_taken_are_one_cause_that_names_the_tables(database_url: str) -> None:
    health, role = Health(), f"clerk_{secrets.token_hex(4)}"
    administrator = await asyncpg.connect(database_url)
    try:
        for statement in (
            f"CREATE ROLE {role} LOGIN PASSWORD 'clerk'",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        ):
            await administrator.execute(statement)
        url = with_user(database_url, role, "clerk")
        async with database.connect(url, health, asyncio.Event(), size=1) as pool:
            check = DatabaseCheck(pool, health, CollectorRegistry())
            await check.check()
            assert health.ready
            await administrator.execute(f"REVOKE UPDATE ON messages FROM {role}")
            await administrator.execute(f"REVOKE SELECT ON flights FROM {role}")
            await check.check()
            assert "GRANT SELECT, INSERT, UPDATE, DELETE on flights, messages" in health.reasons["database"]
            with pytest.raises(database.DATABASE_OUTAGES):
                await pool.execute("UPDATE messages SET status = status")
            await administrator.execute(f"GRANT UPDATE ON messages TO {role}")
            await administrator.execute(f"GRANT SELECT ON flights TO {role}")
            await check.check()
            assert health.ready
    finally:
        await administrator.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await administrator.close()


async def test_a_database_that_falls_silent_is_away_within_seconds(database_url: str) -> None:
    health = Health()

    async def ready() -> bool:
        return health.ready

    async def unready() -> bool:
        return not health.ready

    async with Relay(database_url) as relay, database.connect(relay.url, health, asyncio.Event(), size=3) as pool:
        check = DatabaseCheck(pool, health, CollectorRegistry())
        await check.check()
        task = asyncio.create_task(check.run())
        try:
            relay.stall()
            await until(unready, 8, "the silence is noticed")
            assert health.reasons["database"] == "no answer in time"
            relay.resume()
            await until(ready, 30, "the database is back")
        finally:
            task.cancel()
            relay.drop()


async def test_a_database_that_accepts_no_connections_is_away(database_url: str) -> None:
    health = Health()
    name = urlsplit(database_url).path[1:]
    elsewhere = await asyncpg.connect(databases.with_database(database_url, "postgres"))
    try:
        async with database.connect(database_url, health, asyncio.Event(), size=1) as pool:
            check = DatabaseCheck(pool, health, CollectorRegistry())
            await elsewhere.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
            await elsewhere.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            await check.check()
            await check.check()
            assert "not currently accepting connections" in health.reasons["database"]
            await elsewhere.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
            await check.check()
            assert health.ready
    finally:
        await elsewhere.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        await elsewhere.close()


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
