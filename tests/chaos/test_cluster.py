"""A row in which the three nodes of a RabbitMQ cluster are killed, one after another."""

import asyncio
import signal
from collections.abc import Sequence

import pytest

from cli.native import rabbitmq
from tests.chaos import broker
from tests.chaos.arena import Arena, Needs
from tests.chaos.conftest import RunRow
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters
from tests.support.polling import until

pytestmark = pytest.mark.timeout(ROW_SECONDS)

BACK_SECONDS = 60
# How soon messages must be sent again when a node is gone and two are left.
ELSEWHERE_SECONDS = 15
# So many more accepted messages are no leftovers of what was on its way at the kill.
MANY = 200


async def kill_in_turn(arena: Arena) -> None:
    """Kills each node, waits until messages are sent without it, and go on when it is back and has caught up."""
    members = await broker.count_members(arena.place.nodes[0])
    if set(members.values()) != {broker.CLUSTER_SIZE}:
        arena.broken.append(f"I1 queues are not on every node: {members}")
    for number, node in enumerate(arena.place.nodes, start=1):
        await until_dispensable(node)
        broker.send(node, signal.SIGKILL)
        seconds = await until_sending(arena)
        arena.notes.append(f"node {number} gone: sending again after {seconds:.1f} s")
        if seconds > ELSEWHERE_SECONDS:
            arena.broken.append(f"I8 with node {number} gone nothing was sent for {seconds:.0f} s")
        await until_answers(node)


async def until_dispensable(node: rabbitmq.Node) -> None:
    async def dispensable() -> bool:
        return not await broker.is_critical(node)

    await until(dispensable, BACK_SECONDS, "the other nodes have caught up")


async def until_answers(node: rabbitmq.Node) -> None:
    async def answering() -> bool:
        return await rabbitmq.answers(node.url)

    await until(answering, BACK_SECONDS, "the node is back")


async def until_sending(arena: Arena) -> float:
    """Waits until many more messages were sent, and returns how long it took without the time for sending them."""
    loop = asyncio.get_running_loop()
    began, before = loop.time(), await count_sent(arena)

    async def more() -> bool:
        return await count_sent(arena) >= before + MANY

    await until(more, BACK_SECONDS, "messages are sent again")
    return max(loop.time() - began - MANY / arena.rate, 0.0)


async def count_sent(arena: Arena) -> int:
    async with arena.stack.sandbox.get("/ledger") as reply:
        count: int = (await reply.json())["unique"]
        return count


ROWS: Sequence[Row] = (
    Row("nodes of a cluster killed in turn", kill_in_turn, seconds=60, needs=frozenset({Needs.BROKER_CLUSTER})),
)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_messages_survive_a_node_of_their_cluster(run_row: RunRow, row: Row) -> None:
    await run_row(row)
