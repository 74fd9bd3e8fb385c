"""Many small mailings that start in the same second are sent like a large one."""

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.polling import until

MAILINGS = 200
CLIENTS = 5

pytestmark = pytest.mark.timeout(170)


async def test_mailings_of_five_that_start_together_are_finished_within_seconds_of_their_last_message(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    await add_clients(pool, CLIENTS, tag="few")
    await make_stack("sandbox", "planner", "dispatcher", "reporter")
    for _ in range(MAILINGS):
        await add_mailing(pool, tags=["few"], start_in=MAILINGS / 100)

    async def finished() -> bool:
        number: int = await pool.fetchval("SELECT count(*) FROM mailings WHERE status = 'finished'")
        return number == MAILINGS

    await until(finished, 150)
    late = await pool.fetchval(
        """
        SELECT max(m.finished_at - x.last) FROM mailings m
        JOIN (SELECT mailing_id, max(final_at) AS last FROM messages GROUP BY 1) AS x ON x.mailing_id = m.id
        """
    )
    assert late.total_seconds() < 10
    assert await pool.fetchval("SELECT sum(sent) FROM mailing_counts") == MAILINGS * CLIENTS
