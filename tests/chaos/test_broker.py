"""Rows in which RabbitMQ is restarted, killed, frozen, full, or loses what it was given."""

import asyncio
import signal
from collections.abc import Sequence

import pytest

from cli.native import rabbitmq
from shared import topology
from tests.chaos import broker
from tests.chaos.arena import Arena, Inflict, Needs
from tests.chaos.conftest import RunRow
from tests.chaos.relayed import cut, hush, reset, slow
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters
from tests.support.polling import until

pytestmark = pytest.mark.timeout(ROW_SECONDS)

PRIVATE = frozenset({Needs.PRIVATE_BROKER})
RELAYED = frozenset({Needs.BROKER_RELAY})
BACK_SECONDS = 60


async def until_answers(arena: Arena) -> None:
    async def answering() -> bool:
        return await rabbitmq.answers(arena.node.url)

    await until(answering, BACK_SECONDS, "the broker is back")


def signalled(number: signal.Signals) -> Inflict:
    """Ends the node by a signal; it is started again."""

    async def inflict(arena: Arena) -> None:
        broker.send(arena.node, number)
        await asyncio.sleep(1)
        await until_answers(arena)

    return inflict


async def freeze(arena: Arena) -> None:
    """Freezes the node: its connections stay open, and it says nothing."""
    broker.send(arena.node, signal.SIGSTOP)
    await asyncio.sleep(arena.seconds)
    broker.send(arena.node, signal.SIGCONT)


async def stop(arena: Arena) -> None:
    await broker.control(arena.node, "stop_app")
    await asyncio.sleep(arena.seconds)
    await broker.control(arena.node, "start_app")
    await until_answers(arena)


async def wipe(arena: Arena) -> None:
    broker.wipe(arena.node)
    await asyncio.sleep(1)
    await until_answers(arena)


def alarm(*raise_it: str, lower_it: tuple[str, ...]) -> Inflict:
    """Raises a resource alarm, which blocks whoever publishes, and lower it."""

    async def inflict(arena: Arena) -> None:
        await broker.control(arena.node, *raise_it)
        await asyncio.sleep(arena.seconds)
        await broker.control(arena.node, *lower_it)

    return inflict


def often(*command: str, times: int = 1) -> Inflict:
    """Have rabbitmqctl do something, several times within the row."""

    async def inflict(arena: Arena) -> None:
        for _ in range(times):
            await broker.control(arena.node, *command)
            await asyncio.sleep(arena.seconds / times)

    return inflict


JOBS, RESULTS, RETRIES = topology.DISPATCHER_JOBS, topology.REPORTER_RESULTS, "dispatcher.retry.1s"
MEMORY = alarm("set_vm_memory_high_watermark", "absolute", "1", lower_it=("set_vm_memory_high_watermark", "0.4"))
DISK = alarm("set_disk_free_limit", "100000GB", lower_it=("set_disk_free_limit", "200MB"))

ROWS: Sequence[Row] = (
    Row("RabbitMQ stopped for a minute", stop, stops=True, seconds=60, needs=PRIVATE),
    Row("RabbitMQ restarted", signalled(signal.SIGTERM), needs=PRIVATE),
    Row("RabbitMQ killed", signalled(signal.SIGKILL), needs=PRIVATE),
    Row("RabbitMQ frozen", freeze, stops=True, seconds=25, needs=PRIVATE),
    Row("RabbitMQ wiped", wipe, needs=PRIVATE),
    Row("RabbitMQ memory alarm", MEMORY, stops=True, seconds=15, needs=PRIVATE),
    Row("RabbitMQ disk alarm", DISK, stops=True, seconds=15, needs=PRIVATE),
    Row("RabbitMQ closes connections", often("close_all_connections", "chaos", times=4), needs=PRIVATE),
    Row("queue of jobs deleted", often("delete_queue", JOBS), needs=PRIVATE),
    Row("queue of jobs purged", often("purge_queue", JOBS), needs=PRIVATE),
    Row("queue of results deleted", often("delete_queue", RESULTS), needs=PRIVATE),
    Row("queue of results purged", often("purge_queue", RESULTS), needs=PRIVATE),
    Row("queue of retries deleted", often("delete_queue", RETRIES), needs=PRIVATE, error_rate=0.3),
    Row("queue of retries purged", often("purge_queue", RETRIES), needs=PRIVATE, error_rate=0.3),
    Row("AMQP slow", slow, needs=RELAYED),
    Row("AMQP cut", cut, seconds=6, needs=RELAYED, quick=True),
    Row("AMQP reset every second", reset, needs=RELAYED),
    Row("AMQP silent", hush, stops=True, seconds=25, needs=RELAYED),
)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_messages_survive_their_broker(run_row: RunRow, row: Row) -> None:
    await run_row(row)
