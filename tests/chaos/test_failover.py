"""The primary of two PostgreSQL servers dies in mid-mailing, and its standby is promoted."""

from pathlib import Path

import asyncpg
import pytest

from shared.migrate import migrate
from tests.chaos.faults.standby import open_pair
from tests.conftest import MakeStack
from tests.e2e.test_crashes import ledger_of, set_faults
from tests.e2e.test_outages import PIPELINE, under_way
from tests.support.consistency import until_finished
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.ports import take_ports

CLIENTS = 2000
CONCURRENCY = 20


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await migrate(connection)
    await connection.close()


@pytest.mark.chaos
@pytest.mark.timeout(300)
async def test_a_promoted_standby_goes_on_where_the_primary_died(make_stack: MakeStack, open_path: Path) -> None:
    first = take_ports(2)
    async with open_pair(open_path, (first, first + 1)) as pair:
        url = pair.url("postgres")
        await prepare(url)
        async with asyncpg.create_pool(url, min_size=1, max_size=4, server_settings={"timezone": "UTC"}) as pool:
            await add_clients(pool, CLIENTS)
            env = {"HERALD_DATABASE_URL": url, "HERALD_DISPATCHER_CONCURRENCY": str(CONCURRENCY)}
            stack = await make_stack("sandbox", *PIPELINE, env=env)
            await set_faults(stack, latency_ms=60)
            mailing_id = await add_mailing(pool)
            await under_way(pool, mailing_id)
            await pair.fail_over()
            await pool.expire_connections()
            assert await until_finished(pool, mailing_id, 120) == {"sent": CLIENTS}
            ledger = await ledger_of(stack)
            # A commit that the primary confirmed is on the standby, so no claim is made twice.
            assert ledger["accepted"] == CLIENTS
            assert not ledger.get("duplicates")
