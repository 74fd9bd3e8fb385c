"""Publishing to a broker that blocks, refuses, returns, or says nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from pamqp import body, header
from pamqp.commands import Basic, Connection, Queue
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from shared.broker import Outgoing, Publisher, Unpublished, Unroutable
from shared.broker.publisher import WINDOW
from shared.health import Health
from tests.support.fake_broker import FakeBroker
from tests.support.polling import until

JOB = Outgoing("exchange", "key", b"{}")
Open = Callable[..., AbstractAsyncContextManager[Publisher]]


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker() as started:
        yield started


@asynccontextmanager
async def publishing(broker: FakeBroker, health: Health, seconds: float = 0.3) -> AsyncIterator[Publisher]:
    async with Publisher(broker.url, "p", health, None, timeout=seconds) as publisher:

        async def ready() -> bool:
            return health.ready

        await until(ready, 5, "connected")
        yield publisher


def publish_soon(publisher: Publisher, outgoing: Outgoing) -> "asyncio.Future[None]":
    """Publishes a body, and returns a future that ends as it does."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(error: Unpublished | None) -> None:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    publisher.publish_soon(outgoing, settle)
    return future


async def is_blocked(health: Health, reason: str | None) -> None:
    async def shown() -> bool:
        return health.details.get("p") == (reason and f"blocked by the broker: {reason}")

    await until(shown, 5, f"blocked: {reason}")


async def test_a_blocked_publisher_writes_nothing_says_why_and_goes_on_by_itself(broker: FakeBroker) -> None:
    health, registry = Health(), CollectorRegistry()
    async with publishing(broker, health) as publisher:
        publisher.register_metrics(registry)

        def gauge() -> float | None:
            return registry.get_sample_value("herald_publishing_blocked", {"connection": "p"})

        assert gauge() == 0
        broker.send(0, Connection.Blocked("low on memory"))
        await is_blocked(health, "low on memory")
        assert gauge() == 1
        for _ in range(3):
            with pytest.raises(Unpublished, match="the broker blocks publishing: low on memory"):
                await publisher.publish(JOB)
            assert await publisher.publish_all([JOB] * 2 * WINDOW) == [False] * 2 * WINDOW
        assert len(publisher._waiting) == 0
        held = asyncio.create_task(publisher.publish(JOB))
        await asyncio.sleep(0.05)
        assert broker.received(Basic.Publish) == []
        broker.send(0, Connection.Unblocked())
        await broker.until(Basic.Publish)
        broker.send(1, Basic.Ack(1))
        await held
        await is_blocked(health, None)
        assert len(broker.received(Basic.Publish)) == 1


async def test_a_blocked_connection_that_is_lost_is_not_blocked_any_more(broker: FakeBroker) -> None:
    health = Health()
    async with publishing(broker, health):
        broker.send(0, Connection.Blocked("low on disk"))
        await is_blocked(health, "low on disk")
        broker.hang_up()
        await is_blocked(health, None)


async def test_a_broker_that_never_confirms_gets_one_window_of_bodies_and_no_more(broker: FakeBroker) -> None:
    async with publishing(broker, Health()) as publisher:
        for _ in range(2):
            assert await publisher.publish_all([JOB] * 2 * WINDOW) == [False] * 2 * WINDOW
        with pytest.raises(Unpublished, match=r"not confirmed in 0\.3 s"):
            await publisher.publish(JOB)
        assert len(await broker.until(Basic.Publish, WINDOW)) == WINDOW


async def test_batches_that_fail_for_the_same_reason_are_one_line(broker: FakeBroker) -> None:
    async with publishing(broker, Health()) as publisher:
        with capture_logs() as lines:
            for _ in range(3):
                assert await publisher.publish_all([JOB]) == [False]
    assert [line["times"] for line in lines if line["event"] == "publish failed"] == [1]


async def test_a_window_moves_on_with_the_confirms(broker: FakeBroker) -> None:
    async with publishing(broker, Health(), seconds=20) as publisher:
        outgoings = [JOB] * (2 * WINDOW + 7)
        task = asyncio.create_task(publisher.publish_all(outgoings))
        for count in (WINDOW, 2 * WINDOW):
            await broker.until(Basic.Publish, count)
            broker.send(1, Basic.Ack(count, multiple=True))
        await broker.until(Basic.Publish, len(outgoings))
        broker.send(1, Basic.Ack(len(outgoings) - 1, multiple=True), Basic.Nack(len(outgoings)))
        assert await task == [True] * (len(outgoings) - 1) + [False]


async def test_the_bodies_of_one_turn_leave_together(broker: FakeBroker) -> None:
    async with publishing(broker, Health()) as publisher:
        reads = broker.count_reads()
        futures = [publish_soon(publisher, Outgoing("exchange", "key", b"%d" % number)) for number in range(50)]
        assert await broker.until_bodies(50) == [b"%d" % number for number in range(50)]
        assert reads() == 1
        broker.send(1, Basic.Ack(49, multiple=True), Basic.Nack(50))
        await asyncio.gather(*futures[:49])
        with pytest.raises(Unpublished, match="refused to store it"):
            await futures[49]


async def test_a_returned_body_is_published_once_more_and_then_unroutable(broker: FakeBroker) -> None:
    async with publishing(broker, Health(), seconds=20) as publisher:
        for number, (tag, expected) in enumerate(((2, None), (4, Unroutable))):
            task = asyncio.create_task(publisher.publish(JOB))
            for again in range(2):
                await broker.until(Basic.Publish, 2 * number + again + 1)
                if again == 0 or expected is not None:
                    properties = Basic.Properties(message_id=str(tag - 1 + again))
                    method = Basic.Return(312, "NO_ROUTE", "exchange", "key")
                    broker.send(1, method, header.ContentHeader(0, 2, properties), body.ContentBody(b"{}"))
                broker.send(1, Basic.Ack(tag - 1 + again))
            if expected is None:
                await task
            else:
                with pytest.raises(expected, match="exchange key"):
                    await task


async def test_a_lost_connection_fails_what_is_unconfirmed_at_once_and_the_next_body_waits(broker: FakeBroker) -> None:
    async with publishing(broker, Health(), seconds=20) as publisher:
        lost = publish_soon(publisher, JOB)
        await broker.until(Basic.Publish)
        broker.hang_up()
        with pytest.raises(Unpublished, match="closed by the peer"):
            await lost
        waits = publish_soon(publisher, JOB)
        await broker.until(Basic.Publish, 2)
        broker.send(1, Basic.Ack(1))
        await waits
        assert broker.connections == 2


async def test_a_body_whose_publisher_gave_up_is_not_written_later(broker: FakeBroker) -> None:
    health = Health()
    async with publishing(broker, health, seconds=20) as publisher:
        broker.send(0, Connection.Blocked("low on memory"))
        await is_blocked(health, "low on memory")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await publisher.publish(JOB)
        kept = publish_soon(publisher, Outgoing("exchange", "key", b"kept"))
        broker.send(0, Connection.Unblocked())
        assert await broker.until_bodies(1) == [b"kept"]
        broker.send(1, Basic.Ack(1))
        await kept


async def test_a_key_that_amqp_cannot_hold_fails_alone(broker: FakeBroker) -> None:
    async with publishing(broker, Health()) as publisher:
        with pytest.raises(Unpublished, match="255"):
            await publisher.publish(Outgoing("exchange", "k" * 300, b"{}"))
        task = asyncio.create_task(publisher.publish(JOB))
        await broker.until(Basic.Publish)
        broker.send(1, Basic.Ack(1))
        await task
        assert broker.connections == 1


async def test_what_is_unconfirmed_when_a_publisher_closes_is_unpublished(broker: FakeBroker) -> None:
    async with publishing(broker, Health(), seconds=50) as publisher:
        written = publish_soon(publisher, JOB)
        await broker.until(Basic.Publish)
        broker.send(0, Connection.Blocked("low on memory"))
        waiting = publish_soon(publisher, JOB)
    for future in (written, waiting):
        with pytest.raises(Unpublished):
            await future


async def test_without_a_connection_a_body_waits_for_the_timeout_and_no_longer(free_port: int) -> None:
    url = f"amqp://guest:guest@127.0.0.1:{free_port}/"
    async with Publisher(url, "p", Health(), None, timeout=0.2) as publisher:
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unpublished):
            await publisher.publish(JOB)
        assert await publisher.publish_all([JOB] * 1000) == [False] * 1000
        assert asyncio.get_running_loop().time() - began < 2
        with pytest.raises(Unpublished):
            await publisher.count_ready("q")


async def test_a_depth_that_is_not_answered_is_unpublished(broker: FakeBroker) -> None:
    async with publishing(broker, Health()) as publisher:
        assert await publisher.count_ready("q") == 3
        broker.silent_on = Queue.Declare
        with pytest.raises(Unpublished):
            await publisher.count_ready("q")
        with pytest.raises(Unpublished):
            await publisher.read_depths(["q"])
