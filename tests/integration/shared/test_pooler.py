"""Behind pgbouncer: what needs a session of its own says so, in place of failing at some statement later."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared import database
from shared.database.pooler import PoolerFound
from shared.health import Health
from shared.waiting import Stopped
from tests.support.herald_command import herald
from tests.support.polling import until
from tests.support.services.pgbouncer import run_pgbouncer

PARAMETERS = ("statement_timeout", "idle_in_transaction_session_timeout", "jit", "enable_seqscan", "TimeZone")
COMMANDS = ("migrate", "token list", "token create anna --role viewer", "trace --mailing 1", "report")


@pytest.fixture
async def transactions(tmp_path: Path, database_url: str, free_port: int) -> AsyncIterator[str]:
    async with run_pgbouncer(tmp_path, database_url, free_port, "transaction") as url:
        yield url


@pytest.fixture
async def sessions(tmp_path: Path, database_url: str, free_port: int) -> AsyncIterator[str]:
    async with run_pgbouncer(tmp_path, database_url, free_port, "session") as url:
        yield url


async def refusal(url: str) -> str:
    """Returns why a process does not become ready."""
    health, stop = Health(), asyncio.Event()

    async def work() -> None:
        async with database.connect(url, health, stop):
            stop.set()

    task = asyncio.create_task(work())

    async def refused() -> bool:
        return "database" in health.reasons or task.done()

    await until(refused, 20, "the process says what is wrong")
    reason = health.reasons.get("database", "it connected")
    stop.set()
    with pytest.raises(Stopped):
        await task
    return reason


async def test_a_pooler_in_transaction_mode_is_named_by_a_process(transactions: str) -> None:
    said = await refusal(transactions)
    assert "two connections share a session" in said
    assert "docs/scaling.md" in said


async def test_a_pooler_in_transaction_mode_is_named_by_every_command(transactions: str) -> None:
    for words in COMMANDS:
        result = await herald(*words.split(), env={"HERALD_DATABASE_URL": transactions})
        assert (result.code, "two connections share a session" in result.err) == (2, True), (words, result)


async def test_a_busy_pooler_in_transaction_mode_is_named_and_its_sessions_stay_as_they_are(transactions: str) -> None:
    others = [await asyncpg.connect(transactions, statement_cache_size=0) for _ in range(4)]

    async def work(connection: asyncpg.Connection) -> None:
        while True:
            await connection.execute("SELECT pg_sleep(0.001)")

    tasks = [asyncio.create_task(work(connection)) for connection in others]
    try:
        with pytest.raises(PoolerFound):
            await database.open_connection(transactions)
        assert "session" in await refusal(transactions)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for connection in others:
        async with connection.transaction():
            assert await connection.fetchval("SELECT current_setting('statement_timeout')") == "0"
        connection.terminate()


async def test_a_pooler_in_session_mode_is_like_the_server_itself(sessions: str) -> None:
    session = {"idle_in_transaction_session_timeout": "1000", **database.NO_SCANS}
    async with database.connect(sessions, Health(), asyncio.Event(), session=session) as pool:
        found = [await pool.fetchval("SELECT current_setting($1)", name) for name in PARAMETERS]
    assert found == ["15s", "1s", "off", "off", "UTC"]
