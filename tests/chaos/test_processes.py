"""Messages survive the kill, stop, freeze and restart of Herald's own processes."""

import asyncio
import random
import signal
from collections.abc import Sequence

import pytest

from tests.chaos.conftest import RunExperiment
from tests.chaos.faults.processes import kill, kill_and_start, restart
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import LATENCY_MS, PIPELINE, InjectFault, Rig

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

ALL_PROCESSES = ("planner", "dispatcher", "dispatcher-2", "reporter", "api")
HALVES = (("planner", "dispatcher", "api"), ("reporter", "dispatcher-2"))
KILL_SECONDS = 3
RESTARTS = 20
SLOW_MS = 3000
PATIENT = {"HERALD_PROVIDER_TIMEOUT": "10", "HERALD_DISPATCHER_CONCURRENCY": "100"}
# Past the 15 s after which the claims of a silent dispatcher are taken over, and the fence after that.
FROZEN_SECONDS = 25


def killed_often(name: str) -> InjectFault:
    """Kills a process every three seconds, and starts it each time."""

    async def inject(rig: Rig) -> None:
        for _ in range(int(rig.seconds / KILL_SECONDS)):
            await kill_and_start(rig, name)
            await asyncio.sleep(KILL_SECONDS)

    return inject


def dies_at(failpoint: str, error_rate: float = 0.0) -> InjectFault:
    """Makes a process kill itself at a failpoint, and starts it again without the failpoint.

    The process gets the failpoint by a clean restart, which must lose and duplicate nothing by itself.
    """
    name = failpoint.partition(".")[0]

    async def inject(rig: Rig) -> None:
        process = rig.stack.process(name)
        assert await process.stop() == 0
        await rig.operator.set_faults(latency_ms=LATENCY_MS, error_rate=error_rate)
        await process.start(env={"HERALD_FAILPOINT": failpoint})
        async with asyncio.timeout(30):
            assert await process.wait() == -signal.SIGKILL
        if name == "dispatcher":
            await rig.remember_held_claims()
        await process.start(env={"HERALD_FAILPOINT": ""})
        await rig.operator.set_faults(latency_ms=LATENCY_MS)

    return inject


async def planner_dies_unmarked(rig: Rig) -> None:
    """Kills a planner between publish and mark while claims stay open for seconds; another goes on at once."""
    planner = rig.stack.process("planner")
    assert await planner.stop() == 0
    await rig.operator.set_faults(latency_ms=SLOW_MS)
    await planner.start(env={"HERALD_FAILPOINT": "planner.jobs_published"})
    async with asyncio.timeout(30):
        assert await planner.wait() == -signal.SIGKILL
    await rig.pool.execute("UPDATE mailing_work SET leased_until = now()")
    await planner.start(env={"HERALD_FAILPOINT": ""})
    await asyncio.sleep(rig.seconds)
    await rig.operator.set_faults(latency_ms=LATENCY_MS)


async def freeze(rig: Rig) -> None:
    """Freezes one of two dispatchers until its claims are taken over, then lets it continue."""
    process = rig.stack.process("dispatcher")
    process.kill(signal.SIGSTOP)
    await rig.remember_held_claims()
    await asyncio.sleep(rig.seconds)
    process.kill(signal.SIGCONT)


async def reporter_away(rig: Rig) -> None:
    """Kills dispatchers while the reporter is down and their results are queued."""
    await kill(rig, "reporter")
    for name in ("dispatcher", "dispatcher-2", "dispatcher"):
        await asyncio.sleep(rig.seconds / 4)
        await kill_and_start(rig, name)
    await asyncio.sleep(rig.seconds / 4)
    await rig.stack.process("reporter").start()


def stopped(name: str) -> InjectFault:
    """Restarts a process every three seconds, as an operator does."""

    async def inject(rig: Rig) -> None:
        for _ in range(int(rig.seconds / KILL_SECONDS)):
            await restart(rig, name)
            await asyncio.sleep(KILL_SECONDS)

    return inject


async def roll(rig: Rig) -> None:
    """Restarts all processes twenty times, one half after the other."""
    for _ in range(RESTARTS):
        for half in HALVES:
            await asyncio.gather(*(restart(rig, name) for name in half))


async def everything_at_once(rig: Rig) -> None:
    """Kills random processes while the provider fails and loses replies."""
    modes = {"ok": 0.6, "error500": 0.2, "lost_reply": 0.1, "reset": 0.1}
    await rig.operator.set_faults(latency_ms=LATENCY_MS, modes=modes)
    for name in random.choices(ALL_PROCESSES, k=int(rig.seconds / 2)):
        await kill_and_start(rig, name)
        await asyncio.sleep(1)
    await rig.operator.set_faults(latency_ms=LATENCY_MS)


TWO = ("dispatcher-2",)
KILLS = tuple(
    Experiment(
        f"SIGKILL of {name} every 3 s",
        killed_often(name),
        seconds=9,
        api_stays_up=name != "api",
        quick=name == "dispatcher",
    )
    for name in (*PIPELINE, "api")
)
STOPS = tuple(
    Experiment(f"SIGTERM of {name} every 3 s", stopped(name), seconds=9, api_stays_up=name != "api")
    for name in (*PIPELINE, "api")
)
# Between commit and publish, publish and ack, commit and ack. The number is the pass at which the process dies.
DEATHS = tuple(
    Experiment(f"death at {failpoint.partition(':')[0]}", dies_at(failpoint, error_rate), seconds=6)
    for failpoint, error_rate in (
        ("planner.flights_inserted", 0.0),
        ("planner.jobs_published", 0.0),
        ("dispatcher.unclaimed:20", 0.0),
        ("dispatcher.claimed:100", 0.0),
        ("dispatcher.replied:100", 0.0),
        ("dispatcher.retry_published:20", 0.4),
        ("dispatcher.result_unpublished:20", 0.0),
        ("dispatcher.result_published:20", 0.0),
        ("reporter.committed:20", 0.0),
    )
)

EXPERIMENTS: Sequence[Experiment] = (
    Experiment("twenty rolling restarts", roll, seconds=100, more_processes=TWO, api_stays_up=False),
    Experiment("reporter away, dispatchers killed", reporter_away, seconds=60, more_processes=TWO),
    Experiment(
        "SIGSTOP of a dispatcher past its lease",
        freeze,
        seconds=FROZEN_SECONDS,
        more_processes=TWO,
        freezes_dispatcher=True,
    ),
    Experiment("everything at once", everything_at_once, seconds=30, more_processes=TWO, api_stays_up=False),
    Experiment("planner dies unmarked, provider slow", planner_dies_unmarked, env=PATIENT),
    *KILLS,
    *STOPS,
    *DEATHS,
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_messages_survive_their_processes(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
