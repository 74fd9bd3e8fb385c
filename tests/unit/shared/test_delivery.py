"""Acknowledging on a connection whose queue of frames is full."""

import asyncio
from typing import Any, cast

from aiormq.channel import Channel

from shared.broker import Delivery


class FullChannel:
    """A channel whose connection takes no more frames; `make_room` takes one out."""

    def __init__(self) -> None:
        self.write_queue: asyncio.Queue[str] = asyncio.Queue(1)
        self.write_queue.put_nowait("an earlier frame")
        self.closing: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.is_closed = False

    async def basic_ack(self, tag: int, *, wait: bool) -> None:
        await self.write_queue.put(f"ack {tag}")

    async def basic_reject(self, tag: int, *, requeue: bool, wait: bool) -> None:
        await self.write_queue.put(f"reject {tag}")


def delivery_on(channel: FullChannel) -> Delivery:
    return Delivery(cast(Channel, channel), 7, b"{}", False)


async def begun(delivery: Delivery) -> "asyncio.Task[None]":
    task = asyncio.create_task(delivery.ack())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_an_acknowledgement_waits_for_room() -> None:
    channel = FullChannel()
    task = await begun(delivery_on(channel))
    assert channel.write_queue.get_nowait() == "an earlier frame"
    async with asyncio.timeout(1):
        await task
    assert channel.write_queue.get_nowait() == "ack 7"


async def test_an_acknowledgement_is_given_up_when_the_connection_ends() -> None:
    channel = FullChannel()
    task = await begun(delivery_on(channel))
    channel.closing.set_exception(ConnectionResetError())
    async with asyncio.timeout(1):
        await task
    assert channel.write_queue.get_nowait() == "an earlier frame"
    assert channel.write_queue.empty()


async def test_a_rejection_is_given_up_as_well() -> None:
    channel = FullChannel()
    channel.closing.set_exception(ConnectionResetError())
    async with asyncio.timeout(1):
        await delivery_on(channel).reject()
    assert channel.write_queue.qsize() == 1


async def test_an_acknowledgement_that_is_cancelled_writes_nothing_later() -> None:
    channel = FullChannel()
    task = await begun(delivery_on(channel))
    task.cancel()
    await asyncio.wait((task,))
    channel.write_queue.get_nowait()
    await asyncio.sleep(0)
    assert channel.write_queue.empty()
