"""The counts of clients by time zone, operator code and tag that triggers keep."""

import asyncio
import random
from collections import Counter

import asyncpg

from services.planner.store.client_counts import sum_up
from shared.migrate import available
from tests.support.mailing_rows import add_clients

Counts = Counter[tuple[str, str, bool]]

# Every way in which a client comes, changes, leaves, or is none of the directory.
CHANGES = {
    "tag": "UPDATE clients SET tag = 'b' WHERE id % 7 = $1 AND deleted_at IS NULL",
    "no tag": "UPDATE clients SET tag = '' WHERE id % 7 = $1",
    "further tags": "UPDATE clients SET further_tags = '{c,d}' WHERE id % 7 = $1 AND tag <> '' AND deleted_at IS NULL",
    "another further tag": "UPDATE clients SET further_tags = '{d}' WHERE id % 7 = $1 AND tag <> ''",
    "code and zone": "UPDATE clients SET operator_code = '999', timezone = 'Asia/Tokyo' WHERE id % 7 = $1",
    "nothing that counts": "UPDATE clients SET updated_at = now() WHERE id % 7 = $1",
    "opted out": "UPDATE clients SET suppression_id = 1 WHERE id % 7 = $1",
    "opted in": "UPDATE clients SET suppression_id = NULL WHERE id % 7 = $1",
    "deleted": "UPDATE clients SET deleted_at = now(), phone = NULL, tag = '' WHERE id % 7 = $1 AND id % 5 = 0",
    "erased": "DELETE FROM clients WHERE id % 7 = $1 AND id % 11 = 0",
    "guest": """
        INSERT INTO clients (phone, operator_code, timezone, guest_of, deleted_at, settled_at)
        SELECT '7916000000' || $1::int, '916', 'UTC', 1, now(), now()
        WHERE NOT EXISTS (SELECT FROM clients WHERE phone = '7916000000' || $1::int)
    """,
}


async def kept(pool: asyncpg.Pool) -> Counts:
    rows = await pool.fetch("SELECT kind, value, opted_out, sum(clients)::int FROM client_counts GROUP BY 1, 2, 3")
    return Counter({(kind, value, opted_out): clients for kind, value, opted_out, clients in rows if clients})


async def counted(pool: asyncpg.Pool) -> Counts:
    found: Counts = Counter()
    for client in await pool.fetch("SELECT * FROM clients WHERE deleted_at IS NULL"):
        opted_out = client["suppression_id"] is not None
        found["timezone", client["timezone"], opted_out] += 1
        found["operator_code", client["operator_code"], opted_out] += 1
        for tag in (client["tag"], *client["further_tags"]):
            found["tag", tag, opted_out] += 1
    return found


async def test_the_counts_are_those_of_the_clients_after_every_kind_of_change(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 40, tag="a")
    await add_clients(pool, 40, tag="", operator_code="901", timezone="Asia/Tokyo", first=1000)
    changes, dice = list(CHANGES.items()) * 3, random.Random(15)
    dice.shuffle(changes)
    for number, (name, statement) in enumerate(changes):
        await pool.execute(statement, number % 7)
        if dice.random() < 0.3:
            await sum_up(pool, dice.choice((2, 1000)))
        assert await kept(pool) == await counted(pool), name
    await pool.execute("TRUNCATE clients CASCADE")
    assert not await kept(pool)


async def test_a_change_that_counts_nothing_adds_no_row(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 10, tag="a")
    before = await pool.fetchval("SELECT count(*) FROM client_counts")
    await pool.execute(CHANGES["nothing that counts"], 1)
    assert await pool.fetchval("SELECT count(*) FROM client_counts") == before


async def test_who_changes_clients_waits_neither_for_another_nor_for_the_planner(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 10, tag="a")
    await add_clients(pool, 10, tag="a", first=100)
    async with (
        asyncio.timeout(10),
        pool.acquire() as one,
        pool.acquire() as other,
        one.transaction(),
        other.transaction(),
    ):
        await one.execute("UPDATE clients SET tag = 'b' WHERE id = 1")
        await other.execute("UPDATE clients SET tag = 'b' WHERE id = 2")
        assert await sum_up(pool, 1000) == 6
    assert await kept(pool) == await counted(pool)


async def test_two_planners_sum_up_at_once_without_waiting(pool: asyncpg.Pool) -> None:
    for first in range(0, 3000, 1000):
        await add_clients(pool, 10, tag="a", first=first)
    async with pool.acquire() as one, asyncio.timeout(10), one.transaction():
        assert await sum_up(one, 4) == 4  # type: ignore[arg-type]
        assert await sum_up(pool, 1000) == 5
    await sum_up(pool, 1000)
    assert await pool.fetchval("SELECT count(*) FROM client_counts") == 3
    assert await kept(pool) == await counted(pool)


async def test_a_value_that_no_client_has_any_more_leaves_no_row(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 10, tag="a")
    await pool.execute("UPDATE clients SET tag = ''")
    await sum_up(pool, 1000)
    assert await pool.fetch("SELECT * FROM client_counts WHERE value = 'a'") == []


async def test_clients_of_before_are_counted_by_a_migration_while_others_write(pool: asyncpg.Pool) -> None:
    def sql_of(name: str) -> str:
        (found,) = [step.sql for step in available() if step.name == name]
        return found

    await add_clients(pool, 20, tag="a")
    # As before the triggers, and then with a change that they have counted.
    await pool.execute("DELETE FROM client_counts")
    await pool.execute("UPDATE clients SET tag = 'b' WHERE id < 5")
    async with pool.acquire() as writer, writer.transaction(), asyncio.timeout(10):
        await writer.execute("UPDATE clients SET timezone = 'Asia/Tokyo' WHERE id > 15")
        await pool.execute(sql_of("0074_client_counts_of_before"))
    assert await kept(pool) == await counted(pool)
