"""The beginning of a closing beside an edit, against a real PostgreSQL."""

import asyncpg
import pytest

from services.planner.closing import store
from tests.support.mailing_rows import add_clients, add_mailing


@pytest.fixture
async def ended(pool: asyncpg.Pool) -> int:
    """A running mailing whose end has come."""
    await add_clients(pool, 1)
    mailing_id = await add_mailing(pool)
    await pool.execute(
        "UPDATE mailings SET status = 'running', started_at = now(), start_at = now() - interval '1 h', end_at = now()"
    )
    return mailing_id


async def test_a_closing_begins_once(pool: asyncpg.Pool, ended: int) -> None:
    assert [mailing_id for mailing_id, _ in await store.begin_closing(pool)] == [ended]
    assert await store.begin_closing(pool) == []


async def test_no_closing_begins_while_the_end_is_being_moved(pool: asyncpg.Pool, ended: int) -> None:
    async with pool.acquire() as api, api.transaction():
        await api.execute("SELECT 1 FROM mailings WHERE id = $1 FOR UPDATE", ended)
        await api.execute("UPDATE mailings SET end_at = now() + interval '1 h' WHERE id = $1", ended)
        # The closing does not wait for the edit either.
        assert await store.begin_closing(pool) == []
    assert await store.begin_closing(pool) == []
    assert await pool.fetchval("SELECT closing_at IS NULL FROM mailing_work WHERE mailing_id = $1", ended)
