"""The topology on a real broker: it declares, it routes, and a job comes back from each retry queue."""

import asyncio
from datetime import timedelta

import pytest

from shared import topology
from shared.broker import (
    Consumer,
    Delivery,
    Depth,
    Outgoing,
    Publisher,
    Unpublished,
    Unroutable,
    declare,
    open_connection,
)
from shared.health import Health
from tests.support.polling import until
from tests.support.relay import Relay

SHORT = [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=3)]


async def received(queue: "asyncio.Queue[Delivery]", seconds: float = 10) -> Delivery:
    async with asyncio.timeout(seconds):
        return await queue.get()


async def test_declaring_twice_changes_nothing(broker_url: str) -> None:
    connection = await open_connection(broker_url, "test")
    async with connection:
        for _ in range(2):
            await declare(connection, topology.build(topology_delays()))


def topology_delays() -> list[timedelta]:
    return [timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)]


async def test_a_job_comes_back_from_each_retry_queue(broker_url: str) -> None:
    table, health = topology.build(SHORT), Health()
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    consumer = Consumer(
        broker_url, "c", health, table, queue=topology.DISPATCHER_JOBS, prefetch=10, on_delivery=arrived.put_nowait
    )
    async with Publisher(broker_url, "p", health, table) as publisher, consumer:
        began = asyncio.get_running_loop().time()
        for delay in reversed(SHORT):
            name = topology.retry_queue(delay)
            await publisher.publish(Outgoing(topology.RETRY, name, name.encode()))
        for delay in SHORT:
            # A shorter delay overtakes a longer one: nothing waits behind it.
            delivery = await received(arrived)
            assert delivery.body.decode() == topology.retry_queue(delay)
            assert asyncio.get_running_loop().time() - began >= delay.total_seconds() - 0.1
            delivery.ack()


async def test_a_job_makes_many_laps_through_one_retry_queue(broker_url: str) -> None:
    table, health = topology.build([timedelta(seconds=1)]), Health()
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    consumer = Consumer(
        broker_url, "c", health, table, queue=topology.DISPATCHER_JOBS, prefetch=10, on_delivery=arrived.put_nowait
    )
    name = topology.retry_queue(timedelta(seconds=1))
    async with Publisher(broker_url, "p", health, table) as publisher, consumer:
        for lap in range(4):
            await publisher.publish(Outgoing(topology.RETRY, name, str(lap).encode()))
            delivery = await received(arrived)
            assert delivery.body.decode() == str(lap)
            delivery.ack()


@pytest.mark.parametrize(
    ("exchange", "key", "queue", "dead"),
    [
        (topology.JOBS, topology.SEND_KEY, topology.DISPATCHER_JOBS, topology.DISPATCHER_DEAD),
        (topology.RESULTS, topology.RESULT_KEY, topology.REPORTER_RESULTS, topology.REPORTER_DEAD),
    ],
)
async def test_a_rejected_body_ends_in_the_dead_queue_of_its_hop(
    broker_url: str, exchange: str, key: str, queue: str, dead: str
) -> None:
    table, health = topology.build(SHORT), Health()
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    buried: asyncio.Queue[Delivery] = asyncio.Queue()
    async with (
        Publisher(broker_url, "p", health, table) as publisher,
        Consumer(broker_url, "c", health, table, queue=queue, prefetch=1, on_delivery=arrived.put_nowait),
        Consumer(broker_url, "d", health, table, queue=dead, prefetch=1, on_delivery=buried.put_nowait),
    ):
        await publisher.publish(Outgoing(exchange, key, b"poison"))
        (await received(arrived)).reject()
        assert (await received(buried)).body == b"poison"


async def test_an_unroutable_body_is_not_taken_for_published(broker_url: str) -> None:
    async with Publisher(broker_url, "p", Health(), topology.build(SHORT)) as publisher:
        with pytest.raises(Unroutable):
            await publisher.publish(Outgoing(topology.RETRY, "dispatcher.retry.99h", b"{}"))


async def test_the_depth_of_each_queue_is_read_and_missing_ones_are_skipped(broker_url: str) -> None:
    table = topology.build(SHORT)
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    asked = ["missing", topology.DISPATCHER_JOBS, "missing too", topology.PLANNER_DEAD, topology.REPORTER_RESULTS]
    publisher = Publisher(broker_url, "p", Health(), table)
    with pytest.raises(Unpublished):
        await publisher.read_depths(asked)
    consumer = Consumer(
        broker_url, "c", Health(), table, queue=topology.DISPATCHER_JOBS, prefetch=1, on_delivery=arrived.put_nowait
    )
    async with publisher, consumer:
        for _ in range(3):
            await publisher.publish(Outgoing(topology.JOBS, topology.SEND_KEY, b"{}"))
        await received(arrived)

        async def seen() -> bool:
            # Of three jobs one is delivered; the other two are ready.
            return (await publisher.read_depths(asked)) == {
                topology.DISPATCHER_JOBS: Depth(ready=2, consumers=1),
                topology.PLANNER_DEAD: Depth(ready=0, consumers=0),
                topology.REPORTER_RESULTS: Depth(ready=0, consumers=0),
            }

        await until(seen, 10)


async def test_a_deleted_queue_is_declared_again_by_its_consumer_and_its_publisher(broker_url: str) -> None:
    table, health = topology.build(SHORT), Health()
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    consumer = Consumer(
        broker_url, "c", health, table, queue=topology.DISPATCHER_JOBS, prefetch=10, on_delivery=arrived.put_nowait
    )
    job = Outgoing(topology.JOBS, topology.SEND_KEY, b"after")
    async with Publisher(broker_url, "p", health, table) as publisher, consumer:
        await publisher.publish(Outgoing(topology.JOBS, topology.SEND_KEY, b"before"))
        (await received(arrived)).ack()
        connection = await open_connection(broker_url, "vandal")
        async with connection, connection.channel() as channel:
            await channel.queue_delete(topology.DISPATCHER_JOBS)
        await publisher.publish(job)
        assert (await received(arrived)).body == b"after"


async def test_a_publisher_and_a_consumer_come_back_after_their_connections_are_closed(broker_url: str) -> None:
    table, health = topology.build(SHORT), Health()
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    consumer = Consumer(
        broker_url, "c", health, table, queue=topology.DISPATCHER_JOBS, prefetch=10, on_delivery=arrived.put_nowait
    )
    async with Publisher(broker_url, "p", health, table) as publisher, consumer:
        await publisher.publish(Outgoing(topology.JOBS, topology.SEND_KEY, b"held"))
        held = await received(arrived)
        publisher.reconnect()
        consumer.reconnect()
        again = await received(arrived)
        assert (again.body, again.redelivered, held.alive) == (b"held", True, False)
        held.ack()
        again.ack()
        await publisher.publish(Outgoing(topology.JOBS, topology.SEND_KEY, b"next"))
        assert (await received(arrived)).body == b"next"


async def test_a_connection_cut_without_a_close_is_noticed_at_once(broker_url: str) -> None:
    health = Health()
    async with (
        Relay(broker_url) as relay,
        Publisher(relay.url, "p", health, topology.build(SHORT)) as publisher,
    ):

        async def connected() -> bool:
            return publisher.connected

        async def disconnected() -> bool:
            return not publisher.connected and not health.parts["p"]

        await until(connected, 10, "connected")
        await relay.cut()
        await until(disconnected, 2, "the loss is noticed")
        await relay.mend()
        await until(connected, 10, "connected again")


async def test_a_publisher_that_is_still_connecting_can_be_closed(free_port: int) -> None:
    for pause in (0, 0.0005, 0.002, 0.02):
        async with asyncio.timeout(3):
            async with Publisher(f"amqp://guest:guest@127.0.0.1:{free_port}/", "p", Health(), None):
                await asyncio.sleep(pause)


async def test_a_paused_consumer_gets_nothing_until_it_resumes(broker_url: str) -> None:
    table, health = topology.build(SHORT), Health()
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    consumer = Consumer(
        broker_url, "c", health, table, queue=topology.DISPATCHER_JOBS, prefetch=10, on_delivery=arrived.put_nowait
    )
    async with Publisher(broker_url, "p", health, table) as publisher, consumer:
        await publisher.publish(Outgoing(topology.JOBS, topology.SEND_KEY, b"1"))
        (await received(arrived)).ack()
        await consumer.pause()
        await publisher.publish(Outgoing(topology.JOBS, topology.SEND_KEY, b"2"))
        assert await publisher.count_ready(topology.DISPATCHER_JOBS) == 1
        assert arrived.empty()
        await consumer.resume()
        assert (await received(arrived)).body == b"2"
