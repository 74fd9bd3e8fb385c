"""Messages survive the kill of each node of a RabbitMQ cluster, one after another."""

import asyncio
import signal
from collections.abc import Sequence

import pytest

from cli.native import rabbitmq
from tests.chaos.conftest import RunExperiment
from tests.chaos.faults import broker
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import Requirement, Rig
from tests.support.polling import until

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

# How soon messages must be sent again through the two remaining nodes.
FAILOVER_SECONDS = 15
# More accepted messages than were on their way at the moment of the kill.
MANY = 200


async def kill_in_turn(rig: Rig) -> None:
    """Kills each node in turn, waits until messages are sent without it, and until it is back and has caught up."""
    members = await broker.count_members(rig.services.nodes[0])
    if set(members.values()) != {broker.CLUSTER_SIZE}:
        rig.violations.append(f"I1 queues are not on every node: {members}")
    for number, node in enumerate(rig.services.nodes, start=1):
        await until_not_critical(node)
        pids = broker.send(node, signal.SIGKILL)
        seconds = await until_sending(rig)
        rig.notes.append(f"node {number} gone: sending again after {seconds:.1f} s")
        if seconds > FAILOVER_SECONDS:
            rig.violations.append(f"I8 with node {number} gone nothing was sent for {seconds:.0f} s")
        await broker.until_restarted(node, pids)


async def until_not_critical(node: rabbitmq.Node) -> None:
    async def not_critical() -> bool:
        return not await broker.is_quorum_critical(node)

    await until(not_critical, broker.BACK_SECONDS, "the other nodes have caught up")


async def until_sending(rig: Rig) -> float:
    """Waits until many more messages are sent. Returns the seconds it took, less the time of sending them."""
    loop = asyncio.get_running_loop()
    began, before = loop.time(), await count_sent(rig)

    async def more() -> bool:
        return await count_sent(rig) >= before + MANY

    await until(more, broker.BACK_SECONDS, "messages are sent again")
    return max(loop.time() - began - MANY / rig.rate, 0.0)


async def count_sent(rig: Rig) -> int:
    async with rig.stack.sandbox.get("/ledger") as reply:
        count: int = (await reply.json())["unique"]
        return count


EXPERIMENTS: Sequence[Experiment] = (
    Experiment(
        "nodes of a cluster killed in turn", kill_in_turn, seconds=60, requires=frozenset({Requirement.BROKER_CLUSTER})
    ),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_messages_survive_a_node_of_their_cluster(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
