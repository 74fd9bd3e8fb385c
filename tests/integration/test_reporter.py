"""The reporter's loop between a real broker and a real database that comes and goes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.reporter.handler import MAX_BODIES, Handler
from services.reporter.metrics import Metrics
from shared import database, topology
from shared.broker import Consumer, Delivery, Outgoing, Publisher
from shared.health import Health
from shared.messages import Results, encode
from shared.metrics import new_registry
from shared.settings import DEFAULT_RETRY_DELAYS
from shared.task_supervisor import TaskSupervisor
from tests.integration.test_fold import RecordedDelivery
from tests.support.polling import until

NOW = datetime.now(UTC).replace(microsecond=0)
TABLE = topology.build(DEFAULT_RETRY_DELAYS)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Renders no log lines: the tracebacks of these tests would hold up the loop for seconds."""
    with capture_logs():
        yield


class UncertainPool:
    """A pool whose connections cannot be had while `error` is set."""

    def __init__(self, pool: asyncpg.Pool, error: Exception | None) -> None:
        self._pool = pool
        self.error = error
        self.asked = 0

    def acquire(self) -> Any:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self._pool.acquire()


class Bench:
    """A handler, its consumer, and what was delivered to it."""

    def __init__(self, pool: UncertainPool, broker_url: str) -> None:
        self.health = Health()
        self.handler = Handler(pool, Metrics(new_registry()))  # type: ignore[arg-type]
        self.delivered: list[Delivery] = []
        self.consumer = Consumer(
            broker_url,
            "c",
            self.health,
            TABLE,
            queue=topology.REPORTER_RESULTS,
            prefetch=MAX_BODIES,
            on_delivery=self._take,
        )

    def _take(self, delivery: Delivery) -> None:
        self.delivered.append(delivery)
        self.handler.enqueue(delivery)

    async def connected(self) -> bool:
        return self.health.parts["c"]

    async def lose_the_connection(self) -> None:
        self.consumer.reconnect()
        await until(self._away, 10)
        await until(self.connected, 10)

    async def _away(self) -> bool:
        return not self.health.parts["c"]

    @asynccontextmanager
    async def running(self, supervisor: TaskSupervisor) -> AsyncIterator[None]:
        async with self.consumer:
            task = asyncio.create_task(supervisor.supervise("fold", lambda: self.handler.run(self.consumer)))
            await until(self.connected, 10)
            yield
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def a_supervisor() -> TaskSupervisor:
    return TaskSupervisor(Health(), CollectorRegistry())


async def publish_fences(publisher: Publisher, count: int) -> None:
    for number in range(count):
        fence = Results(fence=NOW - timedelta(seconds=count - number))
        await publisher.publish(Outgoing(topology.RESULTS, topology.RESULT_KEY, encode(fence)))


async def folded(pool: asyncpg.Pool) -> bool:
    value: bool = await pool.fetchval("SELECT folded_at = $1 FROM fence", NOW - timedelta(seconds=1))
    return value


async def test_an_outage_of_the_database_costs_no_deliveries_and_no_memory(pool: asyncpg.Pool, broker_url: str) -> None:
    """While it is away nothing is delivered again, however often the connection to the broker breaks."""
    uncertain = UncertainPool(pool, ConnectionRefusedError())
    bench = Bench(uncertain, broker_url)
    async with Publisher(broker_url, "p", Health(), TABLE) as publisher, bench.running(a_supervisor()):
        await publish_fences(publisher, 3)

        async def held() -> bool:
            return len(bench.delivered) == 3 and uncertain.asked > 0

        await until(held, 10)
        for _ in range(4):
            await bench.lose_the_connection()

        async def forgotten() -> bool:
            return bench.handler.held == 0

        await until(forgotten, 20)
        assert len(bench.delivered) == 3
        uncertain.error = None
        await until(lambda: folded(pool), 20)
        assert len(bench.delivered) == 6


async def test_while_the_channel_lives_an_outage_keeps_the_reporter_active(pool: asyncpg.Pool, broker_url: str) -> None:
    """Cancelling its consumer would hand a fence to the next reporter, past the results that this one holds."""
    first = Bench(UncertainPool(pool, ConnectionRefusedError()), broker_url)
    second = Bench(UncertainPool(pool, None), broker_url)
    async with Publisher(broker_url, "p", Health(), TABLE) as publisher, first.running(a_supervisor()):
        await publish_fences(publisher, 1)

        async def held() -> bool:
            return first.handler.held == 1

        await until(held, 10)
        async with second.running(a_supervisor()):
            await publish_fences(publisher, 2)

            async def held_all() -> bool:
                return first.handler.held == 3

            await until(held_all, 10)
            assert second.delivered == []
            await first.lose_the_connection()
            await until(lambda: folded(pool), 20)
            assert len(second.delivered) == 3


async def test_an_unexpected_error_loses_no_delivery(pool: asyncpg.Pool) -> None:
    """The next start of the task goes on with the batch that the last one had in hand."""
    uncertain = UncertainPool(pool, KeyError("a fault of ours"))
    handler = Handler(uncertain, Metrics(new_registry()))  # type: ignore[arg-type]
    deliveries = [RecordedDelivery(encode(Results(fence=NOW - timedelta(seconds=after)))) for after in (2, 1)]
    for delivery in deliveries:
        handler.enqueue(delivery)  # type: ignore[arg-type]
    task = asyncio.create_task(a_supervisor().supervise("fold", handler.run))

    async def failed() -> bool:
        return uncertain.asked > 1

    async def settled() -> bool:
        return [delivery.done for delivery in deliveries] == ["ack", "ack"]

    await until(failed, 20)
    uncertain.error = None
    await until(settled, 20)
    assert await folded(pool)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("session", [{}, database.NO_SCANS])
async def test_a_process_that_looks_up_by_key_never_scans(database_url: str, session: dict[str, str]) -> None:
    async with database.connect(database_url, Health(), asyncio.Event(), session=session) as pool:
        plan = await pool.fetch("EXPLAIN SELECT 1 FROM flights WHERE message_id = ANY ('{1,2,3}')")
        assert await pool.fetchval("SHOW enable_seqscan") == ("off" if session else "on")
        assert not session or not any("Seq Scan" in row[0] for row in plan)
