"""No request begins after an edit was answered, whatever a dispatcher is doing; and nothing is given back without need.

With real dispatchers, a real API and a real broker.
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
import pytest

from shared import topology
from shared.broker import open_connection
from tests.conftest import MakeStack
from tests.support.consistency import check_consistency
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.relay import Relay
from tests.support.stack import ALL, Stack

CONCURRENCY = 20
ENV = {"HERALD_RETRY_DELAYS": "1s,2s", "HERALD_DISPATCHER_CONCURRENCY": str(CONCURRENCY)}

pytestmark = pytest.mark.timeout(170)


async def requests_of(operator: Operator) -> int:
    ledger = await operator.ledger()
    return int(ledger["accepted"] + ledger["rejected"])


async def until_sending(operator: Operator, requests: int) -> None:
    async def sending() -> bool:
        return await requests_of(operator) >= requests

    await until(sending, 30, f"{requests} requests are made")


async def metric(stack: Stack, name: str, process: str = "dispatcher") -> float:
    """Sums the samples of a metric of a process."""
    url = stack.process(process).probe.replace("/readyz", "/metrics")
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        lines = (await reply.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


@pytest.mark.parametrize("action", ["pause", "cancel"])
async def test_nothing_is_sent_after_the_answer_while_a_dispatcher_is_frozen(
    make_stack: MakeStack, action: str
) -> None:
    stack = await make_stack(*ALL, "dispatcher-2", env=ENV)
    operator = Operator(stack)
    await operator.set_faults(latency_ms=100)
    await operator.import_numbered(3000)
    mailing_id = await operator.create_mailing()
    await until_sending(operator, 200)
    stack.process("dispatcher").kill(signal.SIGSTOP)
    try:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        await operator.post(f"/mailings/{mailing_id}/{action}")
        assert loop.time() - asked < 7
        answered = await requests_of(operator)
    finally:
        stack.process("dispatcher").kill(signal.SIGCONT)
    # As long as a lease, and the time to wake up in.
    await asyncio.sleep(6)
    assert await requests_of(operator) == answered
    if action == "pause":
        await operator.post(f"/mailings/{mailing_id}/resume")
        assert await operator.until_status(mailing_id, "finished", 100) == {"sent": 3000}
        assert (await operator.ledger())["duplicates"] == 0


async def test_an_edit_of_a_running_mailing_is_answered_soon_and_its_text_is_sent(make_stack: MakeStack) -> None:
    stack = await make_stack(*ALL, "dispatcher-2", env=ENV)
    operator = Operator(stack)
    await operator.set_faults(latency_ms=50)
    await operator.import_numbered(2000)
    mailing_id = await operator.create_mailing(text="old")
    await until_sending(operator, 100)
    async with asyncio.timeout(3):
        await operator.patch(f"/mailings/{mailing_id}", {"text": "new"})
    before = await requests_of(operator)
    assert await operator.until_status(mailing_id, "finished", 100) == {"sent": 2000}
    async with stack.sandbox.get("/ledger/requests?limit=10000") as reply:
        texts = [row["text"] for row in (await reply.json())["items"]]
    assert "old" not in texts[before:]
    assert set(texts) == {"old", "new"}


class SlowListener:
    """A server whose queue of connections is full: connecting to it takes seconds, until it begins to accept."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._socket.setblocking(False)
        self._tasks: list[asyncio.Task[None]] = []
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def accept(self) -> None:
        """Accepts from now on, and counts requests. It answers none."""
        self._tasks.append(asyncio.create_task(self._accept()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._socket)
            self._tasks.append(asyncio.create_task(self._read(connection)))

    async def _read(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with connection:
            while data := await loop.sock_recv(connection, 65536):
                self.requests += data.count(b"POST ")


@asynccontextmanager
async def a_slow_listener() -> AsyncIterator[SlowListener]:
    listener = SlowListener()
    try:
        yield listener
    finally:
        await listener.close()


async def test_no_request_begins_after_a_cancel_where_connecting_is_slow(
    make_stack: MakeStack, pool: asyncpg.Pool
) -> None:
    async with a_slow_listener() as listener:
        stack = await make_stack("api", "planner", "reporter", env=ENV)
        await stack.start("dispatcher", env={"HERALD_PROVIDER_URL": listener.url})
        operator = Operator(stack)
        await operator.import_numbered(CONCURRENCY)
        mailing_id = await operator.create_mailing()

        async def claimed() -> bool:
            value: int = await pool.fetchval("SELECT count(*) FROM flights WHERE claimed_number > folded_number")
            return value == CONCURRENCY

        await until(claimed, 20, "all messages are claimed")
        await operator.post(f"/mailings/{mailing_id}/cancel")
        # Only a connection that stood before the cancel may have a request on it.
        listener.accept()
        await asyncio.sleep(8)
        assert listener.requests <= 2
        assert await operator.until_status(mailing_id, "cancelled", 60) is not None


async def test_with_100_ms_to_the_database_all_is_sent_and_nothing_given_back(
    make_stack: MakeStack, pool: asyncpg.Pool, database_url: str
) -> None:
    async with Relay(database_url) as relay:
        stack = await make_stack("sandbox", "api", "planner", "reporter", env=ENV)
        relay.latency = 0.1
        await stack.start("dispatcher", env={"HERALD_DATABASE_URL": relay.url})
        operator = Operator(stack)
        await operator.set_faults(latency_ms=20)
        await operator.import_numbered(400)
        mailing_id = await operator.create_mailing()
        # A claim and a request take 220 ms, with 20 slots: 90 messages a second.
        assert await operator.until_status(mailing_id, "finished", 40) == {"sent": 400}
        assert (await operator.ledger())["duplicates"] == 0
        assert await metric(stack, "herald_claims_given_back_total") == 0
    await check_consistency(pool, mailing_id)


async def test_results_that_the_broker_lost_are_sent_again_while_the_dispatcher_lives(
    make_stack: MakeStack, pool: asyncpg.Pool, broker_url: str
) -> None:
    stack = await make_stack("sandbox", "api", "planner", "dispatcher", env=ENV | {"HERALD_PROVIDER_TIMEOUT": "5"})
    operator = Operator(stack)
    await operator.import_numbered(50)
    mailing_id = await operator.create_mailing()
    await until_sending(operator, 50)
    connection = await open_connection(broker_url, "test")
    async with connection, connection.channel() as channel:
        queue = await channel.declare_queue(topology.REPORTER_RESULTS, passive=True)

        async def lost() -> bool:
            purged = await queue.purge()
            lost_bodies.append(purged.message_count or 0)
            return await metric(stack, "herald_results_outstanding") == 0 and lost_bodies[-1] == 0

        lost_bodies: list[int] = []
        await until(lost, 20, "all results are lost")
    await stack.start("reporter")
    assert await operator.until_status(mailing_id, "finished", 70) == {"sent": 50}
    assert (await operator.ledger())["accepted"] == 100, "each result was lost once, and each message sent again"
    await check_consistency(pool, mailing_id)
