"""The pool against a real PostgreSQL."""

import asyncio

from shared import database
from shared.health import Health


async def test_a_transaction_that_was_left_open_is_over_for_the_next(database_url: str) -> None:
    async with database.connect(database_url, Health(), asyncio.Event(), size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN")
            await connection.execute("INSERT INTO workers VALUES (gen_random_uuid(), now(), true)")
        async with pool.acquire() as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT count(*) FROM workers") == 0


async def test_a_lock_of_a_transaction_ends_with_it(database_url: str) -> None:
    async with database.connect(database_url, Health(), asyncio.Event(), size=1) as pool:
        async with pool.acquire() as connection, connection.transaction():
            assert await connection.fetchval("SELECT pg_try_advisory_xact_lock(1)")
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert await pool.fetchval(held) == 0


async def test_a_warm_pool_has_all_connections_open_and_uses_them_in_turn(database_url: str) -> None:
    async with database.connect(database_url, Health(), asyncio.Event(), size=3, warm=True) as pool:
        assert pool.get_size() == 3
        used = [await pool.fetchval("SELECT pg_backend_pid()") for _ in range(6)]
        assert len(set(used[:3])) == 3
        assert used[3:] == used[:3]
