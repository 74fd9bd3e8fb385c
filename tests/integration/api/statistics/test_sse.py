"""The statistics stream: of the app with its database, and of a real process."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
import pytest
from aiohttp import ClientResponse, ClientSession

from services.api.web.timeouts import Timeouts
from tests.conftest import MakeStack
from tests.integration.api.fakes import ADMIN_TOKEN, AUTHORIZED, Api, MakeApi, an_open_gate
from tests.integration.api.rows import Rows
from tests.integration.api.sockets import not_reading, until
from tests.integration.api.sse import Event, events_of
from tests.support.relay import Relay
from tests.support.stack import Stack

PATH = "/api/v1/mailings/{}/statistics/stream"


@asynccontextmanager
async def watching(api: Api, mailing_id: int) -> AsyncIterator[tuple[ClientResponse, AsyncIterator[Event]]]:
    async with api.client.get(PATH.format(mailing_id), headers=AUTHORIZED) as response:
        assert response.status == 200
        yield response, events_of(response)


async def finish(pool: asyncpg.Pool, mailing_id: int) -> None:
    await pool.execute("UPDATE mailings SET status = 'finished', finished_at = now() WHERE id = $1", mailing_id)


async def test_a_stream_shows_the_statistics_until_the_mailing_ends(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing = await rows.mailing("running", pending=1, sent=2)
    async with watching(api, mailing) as (response, events):
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in response.headers
        first = await anext(events)
        expected = (await api.get(f"/mailings/{mailing}/statistics")).body
        assert first.name == "statistics"
        assert {**first.data, "rate": 0} == {**expected, "rate": 0}
        await finish(pool, mailing)
        rest = [event async for event in events]
    assert [event.name for event in rest[-2:]] == ["statistics", "end"]
    assert rest[-2].data["status"] == "finished"
    assert rest[-1].data == {"reason": "ended"}


@pytest.mark.parametrize("status", ["finished", "cancelled"])
async def test_a_mailing_that_has_ended_is_shown_once(api: Api, rows: Rows, pool: asyncpg.Pool, status: str) -> None:
    mailing = await rows.mailing(status)
    await pool.execute("UPDATE mailings SET finished_at = now()")
    async with watching(api, mailing) as (_, events):
        assert [event.name async for event in events] == ["statistics", "end"]


async def test_a_cancelled_mailing_ends_only_when_its_counts_have_closed(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    mailing = await rows.mailing("cancelled", pending=1)
    async with watching(api, mailing) as (_, events):
        assert [(await anext(events)).name for _ in range(2)] == ["statistics", "statistics"]
        await pool.execute("UPDATE mailings SET finished_at = now()")
        assert [event.name async for event in events][-1] == "end"


async def test_a_deleted_mailing_ends_its_stream(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    async with watching(api, mailing) as (_, events):
        await anext(events)
        await api.delete(f"/mailings/{mailing}")
        last = [event async for event in events][-1]
    assert last == Event("end", {"reason": "gone"})
    assert (await api.get(f"/mailings/{mailing}/statistics/stream")).status == 404


async def test_a_stream_has_the_usual_answers_before_it_begins(api: Api, rows: Rows) -> None:
    assert (await api.get("/mailings/1/statistics/stream")).status == 404
    assert (await api.get("/mailings/1/statistics/stream?token=x")).status == 422
    async with api.client.get(PATH.format(1), params={"token": ADMIN_TOKEN}) as response:
        assert response.status == 401


async def test_a_stream_waits_for_a_database_that_goes_away(make_api: MakeApi, rows: Rows, database_url: str) -> None:
    mailing = await rows.mailing("running", pending=1)
    async with Relay(database_url) as relay, asyncpg.create_pool(relay.url, min_size=1, max_size=2) as through:
        api = await make_api(database=an_open_gate(through))
        async with watching(api, mailing) as (_, events):
            await anext(events)
            await relay.cut()
            while (event := await anext(events)).name == "statistics":
                continue
            assert event.name == "unavailable"
            # A viewer that comes now gets a 503 at once.
            assert (await api.get(f"/mailings/{mailing}/statistics/stream")).status == 503
            await relay.mend()
            assert (await anext(events)).name == "statistics"


async def test_an_open_stream_is_not_silent(make_api: MakeApi, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    api = await make_api(timeouts=Timeouts(heartbeat=0.1))
    async with watching(api, mailing) as (response, _):
        async with asyncio.timeout(5):
            while not (await response.content.readline()).startswith(b":"):
                continue


async def many_minutes(pool: asyncpg.Pool, mailing_id: int) -> None:
    """Makes the statistics of a mailing more than a socket can hold."""
    await pool.execute(
        "INSERT INTO minutes SELECT $1, now() - n * interval '1 min', 1000, 1000 FROM generate_series(1, 10000) AS n",
        mailing_id,
    )


async def test_a_slow_viewer_holds_up_nobody_and_is_cut_off(make_api: MakeApi, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing = await rows.mailing("running")
    await many_minutes(pool, mailing)
    api = await make_api(timeouts=Timeouts(reader=10))
    async with not_reading(api, PATH.format(mailing)):
        await until(lambda: viewers(api) == 1)
        async with watching(api, mailing) as (_, events):
            begun = time.monotonic()
            for _ in range(3):
                await anext(events)
            assert time.monotonic() - begun < 10
            await until(lambda: viewers(api) == 1, seconds=30)
            # The one that reads is still there.
            await anext(events)


async def test_a_viewer_that_leaves_is_noticed(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    async with watching(api, mailing) as (_, events):
        await anext(events)
        assert viewers(api) == 1
    await until(lambda: viewers(api) == 0, seconds=5)


def viewers(api: Api) -> float:
    return float(api.metrics.stream_viewers._value.get())


async def figure(session: ClientSession, name: str) -> float:
    """Reads a figure of a process from its /metrics."""
    async with session.get("/metrics") as response:
        found = re.search(rf"^{name} ([\d.]+)$", await response.text(), re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_a_process_asks_once_a_second_however_many_watch(
    make_stack: MakeStack, rows: Rows, pool: asyncpg.Pool
) -> None:
    stack = await make_stack("api")
    mailing, other = await rows.mailing("running"), await rows.mailing("running")
    ops = stack.process("api").probe.removesuffix("/readyz")
    async with ClientSession(ops) as session:
        viewers = [asyncio.create_task(watch(stack, mailing)) for _ in range(30)]
        viewers += [asyncio.create_task(watch(stack, other)) for _ in range(10)]
        async with asyncio.timeout(20):
            while await figure(session, "herald_api_stream_viewers") < 40:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        begun, before = time.monotonic(), await figure(session, "herald_api_stream_queries_total")
        await asyncio.sleep(3)
        looks = await figure(session, "herald_api_stream_queries_total") - before
        seconds = time.monotonic() - begun
        assert looks <= 2 * (seconds + 1), "two mailings, one look a second each"
        assert looks >= seconds / 2
        await finish(pool, mailing)
        await finish(pool, other)
        for seen in await asyncio.gather(*viewers):
            assert [event.name for event in seen[-2:]] == ["statistics", "end"]


async def watch(stack: Stack, mailing_id: int) -> list[Event]:
    async with stack.api.get(PATH.format(mailing_id)) as response:
        assert response.status == 200
        return [event async for event in events_of(response)]


async def test_streams_do_not_delay_the_end_of_the_process(make_stack: MakeStack, rows: Rows) -> None:
    stack = await make_stack("api")
    mailing = await rows.mailing("running")
    timeout = aiohttp.ClientTimeout(total=60)
    async with stack.api.get(PATH.format(mailing), timeout=timeout) as response:
        events = events_of(response)
        await anext(events)
        begun = time.monotonic()
        stack.process("api").kill(signal.SIGTERM)
        last = [event async for event in events][-1]
        assert last == Event("end", {"reason": "stopping"})
        assert await stack.process("api").wait() == 0
        assert time.monotonic() - begun < 5
