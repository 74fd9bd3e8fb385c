"""Messages survive a RabbitMQ that is restarted, killed, frozen or full, or that loses its queues."""

import asyncio
import signal
from collections.abc import Sequence

import pytest

from shared import topology
from tests.chaos.conftest import RunExperiment
from tests.chaos.faults import broker
from tests.chaos.faults.doubles import doubled
from tests.chaos.faults.network import (
    BROKER_AWAY,
    FAR,
    PATIENT,
    cut,
    far,
    reset,
    reset_beside_open_requests,
    slow,
    stall,
)
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import InjectFault, Requirement, Rig

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

PRIVATE = frozenset({Requirement.PRIVATE_BROKER})
RELAYED = frozenset({Requirement.BROKER_RELAY})


def signalled(number: signal.Signals) -> InjectFault:
    """Ends the node with a signal; its supervisor starts it again."""

    async def inject(rig: Rig) -> None:
        await broker.until_restarted(rig.node, broker.send(rig.node, number))

    return inject


async def freeze(rig: Rig) -> None:
    """Freezes the node: its connections stay open, but it answers nothing."""
    broker.send(rig.node, signal.SIGSTOP)
    await asyncio.sleep(rig.seconds)
    broker.send(rig.node, signal.SIGCONT)


async def stop(rig: Rig) -> None:
    await broker.control(rig.node, "stop_app")
    await asyncio.sleep(rig.seconds)
    await broker.control(rig.node, "start_app")
    await broker.until_answers(rig.node)


async def wipe(rig: Rig) -> None:
    await broker.until_restarted(rig.node, broker.wipe(rig.node))
    await rig.remember_held_claims(None)


def alarm(*raise_command: str, clear_command: tuple[str, ...]) -> InjectFault:
    """Raises a resource alarm, which blocks all publishers, and clears it after the seconds of the experiment."""

    async def inject(rig: Rig) -> None:
        await broker.control(rig.node, *raise_command)
        await asyncio.sleep(rig.seconds)
        await broker.control(rig.node, *clear_command)

    return inject


def run_command(*command: str, times: int = 1) -> InjectFault:
    """Runs a command of rabbitmqctl, `times` times within the seconds of the experiment."""

    async def inject(rig: Rig) -> None:
        for _ in range(times):
            await broker.control(rig.node, *command)
            await asyncio.sleep(rig.seconds / times)

    return inject


def lose_results(command: str) -> InjectFault:
    """Has the broker lose the results that wait for the reporter: their messages are sent again once, as I4 admits."""

    async def inject(rig: Rig) -> None:
        await broker.control(rig.node, command, RESULTS)
        await rig.remember_held_claims(None)
        await asyncio.sleep(rig.seconds)

    return inject


async def double(rig: Rig) -> None:
    """Delivers every body twice more, late and out of order."""
    async with doubled(rig.services.broker_url) as count:
        await asyncio.sleep(rig.seconds)
    rig.notes.append(f"{count[0]} copies")


JOBS, RESULTS, RETRIES = topology.DISPATCHER_JOBS, topology.REPORTER_RESULTS, "dispatcher.retry.1s"
MEMORY = alarm("set_vm_memory_high_watermark", "absolute", "1", clear_command=("set_vm_memory_high_watermark", "0.4"))
DISK = alarm("set_disk_free_limit", "100000GB", clear_command=("set_disk_free_limit", "200MB"))

EXPERIMENTS: Sequence[Experiment] = (
    Experiment("RabbitMQ stopped for a minute", stop, blocks_sending=True, seconds=60, requires=PRIVATE),
    Experiment("RabbitMQ restarted", signalled(signal.SIGTERM), requires=PRIVATE),
    Experiment("RabbitMQ killed", signalled(signal.SIGKILL), requires=PRIVATE),
    Experiment("RabbitMQ frozen", freeze, blocks_sending=True, seconds=25, requires=PRIVATE),
    Experiment("RabbitMQ wiped", wipe, requires=PRIVATE),
    Experiment("RabbitMQ memory alarm", MEMORY, blocks_sending=True, seconds=15, requires=PRIVATE),
    Experiment("RabbitMQ disk alarm", DISK, blocks_sending=True, seconds=15, requires=PRIVATE),
    Experiment("RabbitMQ closes connections", run_command("close_all_connections", "chaos", times=4), requires=PRIVATE),
    Experiment("queue of jobs deleted", run_command("delete_queue", JOBS), requires=PRIVATE),
    Experiment("queue of jobs purged", run_command("purge_queue", JOBS), requires=PRIVATE),
    Experiment("queue of results deleted", lose_results("delete_queue"), requires=PRIVATE),
    Experiment("queue of results purged", lose_results("purge_queue"), requires=PRIVATE),
    Experiment("queue of retries deleted", run_command("delete_queue", RETRIES), requires=PRIVATE, error_rate=0.3),
    Experiment("queue of retries purged", run_command("purge_queue", RETRIES), requires=PRIVATE, error_rate=0.3),
    Experiment("every body comes again, late and out of order", double, seconds=15, error_rate=0.3),
    Experiment("AMQP slow", slow, requires=RELAYED),
    Experiment("RabbitMQ up to half a second away", far(BROKER_AWAY), seconds=18, requires=RELAYED, env=FAR),
    Experiment("AMQP cut", cut, seconds=6, requires=RELAYED, quick=True),
    Experiment("AMQP reset every second", reset, requires=RELAYED),
    Experiment(
        "AMQP reset every second, provider slow", reset_beside_open_requests, seconds=12, env=PATIENT, requires=RELAYED
    ),
    Experiment("AMQP silent", stall, blocks_sending=True, seconds=25, requires=RELAYED),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_messages_survive_their_broker(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
