"""Herald's own AMQP client against a real RabbitMQ, with aio-pika as the other end."""

import asyncio
from collections.abc import AsyncIterator

import aio_pika
import pytest
from pamqp.common import FieldTable

from shared import topology
from shared.broker import Consumer, Delivery, Outgoing, Publisher, Unpublished, Unroutable, declare, open_connection
from shared.health import Health
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.support.polling import until
from tests.support.relay import Relay

TABLE = topology.build(DEFAULT_RETRY_DELAYS)
QUEUE = topology.DISPATCHER_JOBS
MANY = 10_000


def job(body: bytes, **headers: str | int) -> Outgoing:
    return Outgoing(topology.JOBS, topology.SEND_KEY, body, dict(headers))


@pytest.fixture
async def declared_url(broker_url: str) -> str:
    async with await open_connection(broker_url, "test") as connection:
        await declare(connection, TABLE)
    return broker_url


@pytest.fixture
async def publisher(declared_url: str) -> AsyncIterator[Publisher]:
    async with Publisher(declared_url, "p", Health(), None, timeout=20) as opened:
        yield opened


def consumer_of(url: str, inbox: "asyncio.Queue[Delivery]", prefetch: int, health: Health | None = None) -> Consumer:
    return Consumer(url, "c", health or Health(), TABLE, queue=QUEUE, prefetch=prefetch, on_delivery=inbox.put_nowait)


async def take(inbox: "asyncio.Queue[Delivery]") -> Delivery:
    async with asyncio.timeout(30):
        return await inbox.get()


async def until_empty(publisher: Publisher) -> None:
    async def empty() -> bool:
        depth = (await publisher.read_depths([QUEUE]))[QUEUE]
        return (depth.ready, depth.consumers) == (0, 0)

    await until(empty, 20, "empty")


async def test_ten_thousand_bodies_are_confirmed_delivered_and_acknowledged(
    declared_url: str, publisher: Publisher
) -> None:
    inbox: asyncio.Queue[Delivery] = asyncio.Queue()
    assert await publisher.publish_all([job(b"%d" % number) for number in range(MANY)]) == [True] * MANY
    async with consumer_of(declared_url, inbox, 300):
        bodies = []
        for _ in range(MANY):
            delivery = await take(inbox)
            bodies.append(delivery.body)
            # Out of order, so that there are gaps: every seventh is acknowledged later than those around it.
            if len(bodies) % 7 == 0:
                asyncio.get_running_loop().call_later(0.05, delivery.ack)
            else:
                delivery.ack()
        assert bodies == [b"%d" % number for number in range(MANY)]
        await asyncio.sleep(0.2)
    # What was not acknowledged would be ready again now.
    await until_empty(publisher)


async def test_what_it_publishes_aio_pika_reads_and_the_other_way_round(
    declared_url: str, publisher: Publisher
) -> None:
    large = bytes(range(256)) * 2000
    for outgoing in (job(large), job(b""), job(b"{}", reason="why", number=7)):
        await publisher.publish(outgoing)
    inbox: asyncio.Queue[Delivery] = asyncio.Queue()
    async with await aio_pika.connect(declared_url) as connection, connection.channel() as channel:
        queue = await channel.get_queue(QUEUE)
        messages = [await queue.get(timeout=10) for _ in range(3)]
        assert [message.body for message in messages] == [large, b"", b"{}"]
        assert (messages[2].headers["reason"], messages[2].headers["number"]) == ("why", 7)
        assert {message.delivery_mode for message in messages} == {aio_pika.DeliveryMode.PERSISTENT}
        assert {message.content_type for message in messages} == {"application/json"}
        for message in messages:
            await message.ack()
        async with consumer_of(declared_url, inbox, 10):
            for body in (large, b"", b"{}"):
                await channel.default_exchange.publish(aio_pika.Message(body), QUEUE)
                delivery = await take(inbox)
                assert (delivery.body, delivery.redelivered) == (body, False)
                delivery.ack()


async def test_among_many_bodies_only_those_without_a_queue_are_unroutable(publisher: Publisher) -> None:
    wrong = Outgoing(topology.RETRY, "dispatcher.retry.99h", b"same")
    outgoings = [job(b"same"), wrong, job(b"same")] * 100
    assert await publisher.publish_all(outgoings) == [True, False, True] * 100
    with pytest.raises(Unroutable):
        await publisher.publish(wrong)
    assert await publisher.count_ready(QUEUE) == 200


async def test_an_exchange_that_is_missing_fails_its_bodies_and_the_next_ones_arrive(publisher: Publisher) -> None:
    with pytest.raises(Unpublished, match="no exchange"):
        await publisher.publish(Outgoing("herald.nowhere", "key", b"{}"))
    await publisher.publish(job(b"{}"))
    assert await publisher.count_ready(QUEUE) == 1


async def test_a_queue_that_is_full_refuses_its_bodies(publisher: Publisher, declared_url: str) -> None:
    async with await aio_pika.connect(declared_url) as connection, connection.channel() as channel:
        limit: FieldTable = {"x-max-length": 1, "x-overflow": "reject-publish"}
        await channel.declare_queue("full", arguments=limit, durable=True)
        confirmed = await publisher.publish_all([Outgoing("", "full", b"%d" % number) for number in range(20)])
        assert confirmed[0]
        assert not all(confirmed)


async def test_a_consumer_of_a_deleted_queue_is_cancelled_and_declares_it_again(
    declared_url: str, publisher: Publisher
) -> None:
    inbox: asyncio.Queue[Delivery] = asyncio.Queue()
    async with consumer_of(declared_url, inbox, 10):
        await publisher.publish(job(b"before"))
        (await take(inbox)).ack()
        async with await aio_pika.connect(declared_url) as connection, connection.channel() as channel:
            await channel.queue_delete(QUEUE)
        async with asyncio.timeout(20):
            # Until it is declared again, what is published returns.
            while (await publisher.publish_all([job(b"after")])) != [True]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await take(inbox)).body == b"after"


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_connections_that_drop_in_mid_stream_lose_nothing(declared_url: str, reset: bool) -> None:
    inbox: asyncio.Queue[Delivery] = asyncio.Queue()
    async with (
        Relay(declared_url) as relay,
        Publisher(relay.url, "p", Health(), None, timeout=20) as publisher,
        consumer_of(relay.url, inbox, 100),
    ):
        bodies = {b"%d" % number for number in range(3000)}
        left, seen = set(bodies), set[bytes]()

        async def publish() -> None:
            while left:
                batch = sorted(left)
                confirmed = await publisher.publish_all([job(body) for body in batch])
                left.difference_update(body for body, done in zip(batch, confirmed, strict=True) if done)

        publishing = asyncio.create_task(publish())
        for drops in (500, 1500, 2500):
            while len(seen) < drops:
                delivery = await take(inbox)
                seen.add(delivery.body)
                delivery.ack()
            relay.drop(reset=reset)
        while seen != bodies:
            delivery = await take(inbox)
            seen.add(delivery.body)
            delivery.ack()
        await publishing


async def test_a_broker_that_falls_silent_is_noticed_by_its_consumer(declared_url: str) -> None:
    inbox, health = asyncio.Queue[Delivery](), Health()
    async with Relay(declared_url) as relay, consumer_of(relay.url, inbox, 10, health):

        async def ready() -> bool:
            return health.ready

        async def unready() -> bool:
            return not health.ready

        await until(ready, 20, "connected")
        relay.stall()
        await until(unready, 12, "the silence is noticed")
        relay.resume()
        await until(ready, 20, "connected again")


async def test_a_far_broker_costs_latency_and_not_rate(declared_url: str) -> None:
    async with Relay(declared_url) as relay, Publisher(relay.url, "p", Health(), None, timeout=20) as publisher:
        await publisher.publish(job(b"first"))
        relay.latency = 0.25
        clock = asyncio.get_running_loop().time
        began = clock()
        assert all(await publisher.publish_all([job(b"{}") for _ in range(4000)]))
        # One body at a time would take half an hour, and 200 at once 10 s.
        assert clock() - began < 8
