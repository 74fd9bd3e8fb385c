"""Consuming from a broker that cancels, closes, or says nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pamqp.commands import Basic, Channel, Queue

from shared.broker import Consumer, Delivery
from shared.health import Health
from tests.support.fake_broker import FakeBroker
from tests.support.polling import until


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker() as started:
        yield started


class Inbox(asyncio.Queue[Delivery]):
    """Takes deliveries, and stumbles over the body `bad`."""

    def take(self, delivery: Delivery) -> None:
        if delivery.body == b"bad":
            raise LookupError("a bug")
        self.put_nowait(delivery)


def consumer_of(broker: FakeBroker, inbox: Inbox, health: Health) -> Consumer:
    return Consumer(broker.url, "c", health, None, queue="q", prefetch=4, on_delivery=inbox.take)


async def test_a_consumer_that_the_broker_cancels_connects_again(broker: FakeBroker) -> None:
    inbox, health = Inbox(), Health()
    async with consumer_of(broker, inbox, health):
        await broker.until(Basic.Consume)
        broker.send(1, Basic.Cancel("consumer", nowait=True))
        await broker.until(Basic.Consume, 2)
        assert broker.connections == 2


async def test_a_channel_that_the_broker_closes_is_opened_again_on_a_new_connection(broker: FakeBroker) -> None:
    inbox, health = Inbox(), Health()
    async with consumer_of(broker, inbox, health):
        await broker.until(Basic.Consume)
        broker.deliver(1, b"{}")
        delivery = await inbox.get()
        assert delivery.alive
        broker.send(1, Channel.Close(406, "delivery acknowledgement timed out", 60, 80))
        await broker.until(Basic.Consume, 2)
        assert not delivery.alive
        delivery.ack()
        delivery.reject()
        broker.deliver(1, b"again")
        again = await inbox.get()
        again.ack()
        assert [ack.delivery_tag for ack in await broker.until(Basic.Ack)] == [1]
        assert broker.received(Basic.Reject) == []


async def test_a_delivery_that_the_callback_cannot_take_is_rejected_and_the_next_arrives(
    broker: FakeBroker,
) -> None:
    inbox = Inbox()
    async with consumer_of(broker, inbox, Health()):
        await broker.until(Basic.Consume)
        broker.deliver(1, b"bad")
        broker.deliver(2, b"good")
        assert (await inbox.get()).body == b"good"
        assert [reject.delivery_tag for reject in await broker.until(Basic.Reject)] == [1]
        assert broker.connections == 1


async def test_a_pause_cancels_and_a_resume_consumes_again(broker: FakeBroker) -> None:
    inbox, health = Inbox(), Health()
    async with consumer_of(broker, inbox, health) as consumer:

        async def is_state(state: str) -> None:
            async def shown() -> bool:
                return health.details["c"] == state

            await until(shown, 5, state)

        await is_state("consuming")
        await consumer.pause()
        await is_state("paused")
        assert len(broker.received(Basic.Cancel)) == 1
        broker.hang_up()
        await broker.until(Channel.Open, 2)
        await consumer.resume()
        await is_state("consuming")
        assert len(broker.received(Basic.Consume)) == 2


async def test_a_broker_that_has_forgotten_the_consumer_is_connected_to_again(broker: FakeBroker) -> None:
    broker.silent_on = Queue.Declare
    async with consumer_of(broker, Inbox(), Health()):
        await broker.until(Queue.Declare)
        broker.send(2, Queue.DeclareOk("q", 7, 0))
        await broker.until(Basic.Consume, 2)
