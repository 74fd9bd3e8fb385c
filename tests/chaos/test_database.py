"""Rows in which PostgreSQL is restarted, read-only, slow or silent."""

import asyncio
import os
import signal
from collections.abc import Sequence

import asyncpg
import pytest

from cli.native import postgres
from tests.chaos.arena import Arena, Inflict, Needs
from tests.chaos.conftest import RunRow
from tests.chaos.relayed import cut, hush, reset, slow
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters
from tests.support.polling import until

pytestmark = pytest.mark.timeout(ROW_SECONDS)

PRIVATE = frozenset({Needs.PRIVATE_DATABASE})
RELAYED = frozenset({Needs.DATABASE_RELAY})
BACK_SECONDS = 60


def signalled(number: signal.Signals) -> Inflict:
    """Ends the server by a signal; it is started again."""

    async def inflict(arena: Arena) -> None:
        pid = int((arena.cluster.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, number)
        await asyncio.sleep(1)
        await until(lambda: postgres.answers(arena.cluster), BACK_SECONDS, "the database is back")

    return inflict


async def execute(arena: Arena, *statements: str) -> None:
    """Runs statements as the server's superuser, each by itself."""
    connection = await asyncpg.connect(arena.cluster.url("postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def terminate(arena: Arena) -> None:
    """Terminates every session, again and again."""
    for _ in range(int(arena.seconds)):
        await execute(arena, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'herald'")
        await asyncio.sleep(1)


async def read_only(arena: Arena) -> None:
    await execute(arena, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    await asyncio.sleep(arena.seconds)
    await execute(arena, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


async def stay_away(arena: Arena) -> None:
    """Stops the server, and keeps it from coming back for a while."""
    held = arena.cluster.data / "postgresql.conf"
    held.rename(held.with_suffix(".held"))
    os.kill(int((arena.cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
    await asyncio.sleep(arena.seconds)
    held.with_suffix(".held").rename(held)
    await until(lambda: postgres.answers(arena.cluster), BACK_SECONDS, "the database is back")


def row(fault: str, inflict: Inflict, needs: frozenset[Needs], seconds: float = 8, stops: bool = False) -> Row:
    """Makes a row in which the API, too, has no database, and nobody can close a mailing."""
    return Row(fault, inflict, seconds=seconds, needs=needs, stops=stops, api_stays=False, closes_through=False)


ROWS: Sequence[Row] = (
    row("PostgreSQL stopped for half a minute", stay_away, PRIVATE, seconds=30, stops=True),
    row("PostgreSQL restarted", signalled(signal.SIGINT), PRIVATE),
    row("PostgreSQL stopped at once", signalled(signal.SIGQUIT), PRIVATE),
    row("PostgreSQL killed", signalled(signal.SIGKILL), PRIVATE),
    row("PostgreSQL terminates sessions", terminate, PRIVATE),
    row("PostgreSQL read-only", read_only, PRIVATE, seconds=15),
    row("PostgreSQL slow", slow, RELAYED),
    row("PostgreSQL cut", cut, RELAYED),
    row("PostgreSQL reset every second", reset, RELAYED),
    row("PostgreSQL silent", hush, RELAYED, seconds=25, stops=True),
)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_messages_survive_their_database(run_row: RunRow, row: Row) -> None:
    await run_row(row)
