"""An edit is answered when every dispatcher has heard of it, or holds no lease."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.integration.api.fakes import Answered, Api, MakeApi, an_open_gate
from tests.integration.api.http import assert_problem
from tests.integration.api.rows import Rows
from tests.support.polling import until
from tests.support.relay import Relay

# Much less than the lease of a dispatcher, which is how long an edit waits for one that it has to fence.
SOON = 3


@dataclass
class StandIn:
    """A dispatcher as the API sees it: a row that beats, and hears of edits only when the test says so."""

    pool: asyncpg.Pool
    id: UUID = field(default_factory=uuid4)

    async def beat(self, *heard: int, ago: float = 0) -> None:
        await self.pool.execute(
            """
            INSERT INTO processes AS p (id, beat_at, heard)
            VALUES ($1, clock_timestamp() - make_interval(secs => $3), $2::bigint[])
            ON CONFLICT (id) DO UPDATE SET beat_at = EXCLUDED.beat_at, heard = EXCLUDED.heard WHERE p.fenced_at IS NULL
            """,
            self.id,
            heard,
            ago,
        )


@dataclass
class Sending:
    """A running mailing with one message in flight."""

    mailing: int
    client: int


async def in_flight(rows: Rows, *, phone: str = "79990000001") -> Sending:
    mailing, client = await rows.mailing("running", pending=1), await rows.client(phone)
    await rows.message(mailing, client)
    return Sending(mailing, client)


async def announced(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    return list(await pool.fetch("SELECT id, mailing_id, client_ids FROM edits ORDER BY id"))


async def until_announced(pool: asyncpg.Pool) -> int:
    """Waits until the API has announced an edit, and returns its id."""

    async def is_announced() -> bool:
        return bool(await announced(pool))

    await until(is_announced, 10, "an edit is announced")
    return int((await announced(pool))[-1]["id"])


@asynccontextmanager
async def calling(asked: Any) -> AsyncIterator["asyncio.Task[Answered]"]:
    task = asyncio.ensure_future(asked)
    try:
        yield task
    finally:
        task.cancel()


Call = Callable[[Api, Sending], Any]
EDITS: dict[str, Call] = {
    "text": lambda api, sending: api.patch(f"/mailings/{sending.mailing}", {"text": "New"}),
    "pause": lambda api, sending: api.post(f"/mailings/{sending.mailing}/pause"),
    "cancel": lambda api, sending: api.post(f"/mailings/{sending.mailing}/cancel"),
    "delete of a mailing": lambda api, sending: api.delete(f"/mailings/{sending.mailing}"),
    "client": lambda api, sending: api.patch(f"/clients/{sending.client}", {"phone": "79990000009"}),
    "whole client": lambda api, sending: api.put(f"/clients/{sending.client}", {"phone": "79990000009"}),
    "delete of a client": lambda api, sending: api.delete(f"/clients/{sending.client}"),
    "import": lambda api, _: api.upload(b"phone,timezone\n79990000001,Asia/Tokyo\n"),
    # These change nothing, and still wait for the change of somebody else.
    "same text": lambda api, sending: api.patch(f"/mailings/{sending.mailing}", {"text": "Hello"}),
    "no field of a client": lambda api, sending: api.patch(f"/clients/{sending.client}", {}),
}


@pytest.mark.parametrize("name", EDITS)
async def test_an_edit_is_answered_once_every_dispatcher_has_heard_of_it(
    api: Api, rows: Rows, pool: asyncpg.Pool, name: str
) -> None:
    sending, first, second = await in_flight(rows), StandIn(pool), StandIn(pool)
    await first.beat()
    await second.beat()
    async with calling(EDITS[name](api, sending)) as call:
        edit = await until_announced(pool)
        await first.beat(edit)
        await asyncio.sleep(0.2)
        assert not call.done()
        await second.beat(edit)
        async with asyncio.timeout(SOON):
            assert (await call).status in (200, 204)
    assert await pool.fetchval("SELECT count(*) FROM processes WHERE fenced_at IS NOT NULL") == 0


async def test_an_edit_names_its_mailing_or_its_clients(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    sending = await in_flight(rows)
    await api.post(f"/mailings/{sending.mailing}/pause")
    await api.patch(f"/clients/{sending.client}", {"tag": "vip"})
    assert [(row["mailing_id"], row["client_ids"]) for row in await announced(pool)] == [
        (sending.mailing, None),
        (None, [sending.client]),
    ]


async def test_an_import_that_moves_many_clients_is_an_edit_of_everything(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    await in_flight(rows, phone="79990000000")
    lines = [f"7999000{number:04},Asia/Tokyo" for number in range(101)]
    assert (await api.upload("\n".join(("phone,timezone", *lines)).encode())).status == 200
    assert (await announced(pool))[0]["client_ids"] == [1], "one client moved, the others are new"
    lines = [f"7999000{number:04},Asia/Seoul" for number in range(101)]
    assert (await api.upload("\n".join(("phone,timezone", *lines)).encode())).status == 200
    assert [(row["mailing_id"], row["client_ids"]) for row in await announced(pool)] == [(None, [1]), (None, None)]


async def test_an_edit_of_what_is_not_on_its_way_is_answered_at_once(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await in_flight(rows)
    other, client = await rows.mailing("running"), await rows.client("79990000002")
    await StandIn(pool).beat()
    assert (await api.post(f"/mailings/{other}/cancel")).status == 200
    assert (await api.delete(f"/clients/{client}")).status == 204
    assert await announced(pool) == []


async def test_an_edit_waits_although_the_flight_of_its_message_was_settled(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    """A dispatcher may hold what it took over while the first one, which had stood still, reported its success."""
    sending, dispatcher = await in_flight(rows), StandIn(pool)
    await pool.execute("DELETE FROM flights")
    await dispatcher.beat()
    async with calling(api.post(f"/mailings/{sending.mailing}/pause")) as call:
        edit = await until_announced(pool)
        await asyncio.sleep(0.2)
        assert not call.done()
        await dispatcher.beat(edit)
        assert (await call).status == 200


async def test_a_dispatcher_that_beats_far_away_is_not_fenced_for_being_slow(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    sending, slow = await in_flight(rows), StandIn(pool)
    await slow.beat()
    async with calling(api.post(f"/mailings/{sending.mailing}/pause")) as call:
        edit = await until_announced(pool)
        for _ in range(4):
            await slow.beat()
            await asyncio.sleep(0.5)
        await slow.beat(edit)
        assert (await call).status == 200
    assert await pool.fetchval("SELECT count(*) FROM processes WHERE fenced_at IS NOT NULL") == 0


async def test_a_dispatcher_that_joins_later_is_not_waited_for(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    sending, first, later = await in_flight(rows), StandIn(pool), StandIn(pool)
    await first.beat()
    async with calling(api.post(f"/mailings/{sending.mailing}/pause")) as call:
        edit = await until_announced(pool)
        await asyncio.sleep(0.1)
        await later.beat()
        await first.beat(edit)
        async with asyncio.timeout(SOON):
            assert (await call).status == 200


async def test_a_second_delete_waits_like_the_first(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    sending, dispatcher = await in_flight(rows), StandIn(pool)
    await pool.execute("UPDATE mailings SET status = 'cancelled', deleted_at = now()")
    await dispatcher.beat()
    async with calling(api.delete(f"/mailings/{sending.mailing}")) as call:
        edit = await until_announced(pool)
        assert not call.done()
        await dispatcher.beat(edit)
        assert (await call).status == 404


async def test_a_silent_dispatcher_is_fenced_and_its_lease_waited_out(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    sending, silent = await in_flight(rows), StandIn(pool)
    await silent.beat()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await api.post(f"/mailings/{sending.mailing}/pause")).status == 200
    # Five seconds after its last beat, which was the last that could succeed.
    assert 4.9 <= loop.time() - begun < 6.4
    await silent.beat(1, 2, 3)
    row = await pool.fetchrow("SELECT heard, fenced_at FROM processes")
    assert row is not None
    assert (row["heard"], row["fenced_at"] is not None) == ([], True), "its next beat finds no unfenced row"


async def test_a_dispatcher_that_takes_a_new_id_lets_the_edit_be_answered(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    sending, silent = await in_flight(rows), StandIn(pool)
    await silent.beat()

    async def is_fenced() -> bool:
        value: bool = await pool.fetchval("SELECT EXISTS (SELECT FROM processes WHERE fenced_at IS NOT NULL)")
        return value

    async with calling(api.post(f"/mailings/{sending.mailing}/pause")) as call:
        await until(is_fenced, 5, "the dispatcher is fenced")
        await pool.execute("DELETE FROM processes")
        async with asyncio.timeout(SOON):
            assert (await call).status == 200


async def test_a_dispatcher_whose_lease_ran_out_is_not_waited_for(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    sending = await in_flight(rows)
    await StandIn(pool).beat(ago=5.1)
    async with asyncio.timeout(SOON):
        assert (await api.post(f"/mailings/{sending.mailing}/pause")).status == 200


async def test_an_edit_that_cannot_be_confirmed_stands_and_says_so(
    make_api: MakeApi, rows: Rows, pool: asyncpg.Pool, database_url: str
) -> None:
    sending = await in_flight(rows)
    await StandIn(pool).beat()
    async with Relay(database_url) as relay, asyncpg.create_pool(relay.url, min_size=1, max_size=3) as away:
        api = await make_api(database=an_open_gate(away))
        async with calling(api.post(f"/mailings/{sending.mailing}/pause")) as call:
            await until_announced(pool)
            await relay.cut()
            refused = await call
        assert_problem(refused, 503)
        assert "stored" in refused.body["detail"]
        assert await pool.fetchval("SELECT status FROM mailings") == "paused"
        await relay.mend()
        await pool.execute("DELETE FROM processes")
        assert (await api.post(f"/mailings/{sending.mailing}/pause")).status == 200


async def test_old_edits_are_deleted(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    sending = await in_flight(rows)
    await pool.execute("INSERT INTO edits (edited_at) VALUES (now() - interval '61 s'), (now() - interval '50 s')")
    await api.post(f"/mailings/{sending.mailing}/pause")
    assert [row["id"] for row in await announced(pool)] == [2, 3]
