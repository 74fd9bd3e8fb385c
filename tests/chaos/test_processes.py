"""Rows in which Herald's own processes are killed, stopped, frozen and restarted."""

import asyncio
import random
import signal
from collections.abc import Sequence

import pytest

from tests.chaos.arena import LATENCY_MS, PIPELINE, Arena, Inflict
from tests.chaos.conftest import RunRow
from tests.chaos.processes import kill, kill_and_start, restart
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters

pytestmark = pytest.mark.timeout(ROW_SECONDS)

EVERYBODY = ("planner", "dispatcher", "dispatcher-2", "reporter", "api")
HALVES = (("planner", "dispatcher", "api"), ("reporter", "dispatcher-2"))
KILL_SECONDS = 3
ROUNDS = 20
# Past the 15 s after which the claims of a silent dispatcher are taken over, and the fence after that.
FROZEN_SECONDS = 25


def killed_often(name: str) -> Inflict:
    """Kills a process again and again, and starts it each time."""

    async def inflict(arena: Arena) -> None:
        for _ in range(int(arena.seconds / KILL_SECONDS)):
            await kill_and_start(arena, name)
            await asyncio.sleep(KILL_SECONDS)

    return inflict


def dies_at(failpoint: str, error_rate: float = 0.0) -> Inflict:
    """Have a process kill itself at a named place of the protocol, and start it again without.

    It is put into this state by a clean restart, which must lose and double nothing by itself.
    """
    name = failpoint.partition(".")[0]

    async def inflict(arena: Arena) -> None:
        process = arena.stack.process(name)
        assert await process.stop() == 0
        await arena.operator.set_faults(latency_ms=LATENCY_MS, error_rate=error_rate)
        await process.start(env={"HERALD_FAILPOINT": failpoint})
        async with asyncio.timeout(30):
            assert await process.wait() == -signal.SIGKILL
        if name == "dispatcher":
            await arena.remember_held()
        await process.start(env={"HERALD_FAILPOINT": ""})
        await arena.operator.set_faults(latency_ms=LATENCY_MS)

    return inflict


async def freeze(arena: Arena) -> None:
    """Freezes one of two dispatchers until its claims were taken over, and lets it go on."""
    process = arena.stack.process("dispatcher")
    process.kill(signal.SIGSTOP)
    await arena.remember_held()
    await asyncio.sleep(arena.seconds)
    process.kill(signal.SIGCONT)


async def reporter_away(arena: Arena) -> None:
    """Kills dispatchers while their results wait, since the reporter is down."""
    await kill(arena, "reporter")
    for name in ("dispatcher", "dispatcher-2", "dispatcher"):
        await asyncio.sleep(arena.seconds / 4)
        await kill_and_start(arena, name)
    await asyncio.sleep(arena.seconds / 4)
    await arena.stack.process("reporter").start()


def stopped(name: str) -> Inflict:
    """Stops and starts a process as an operator does, a few times."""

    async def inflict(arena: Arena) -> None:
        for _ in range(int(arena.seconds / KILL_SECONDS)):
            await restart(arena, name)
            await asyncio.sleep(KILL_SECONDS)

    return inflict


async def roll(arena: Arena) -> None:
    """Restarts everything, one half after the other, twenty times."""
    for _ in range(ROUNDS):
        for half in HALVES:
            await asyncio.gather(*(restart(arena, name) for name in half))


async def everything_at_once(arena: Arena) -> None:
    """Kills whoever comes, while the provider fails and loses replies."""
    modes = {"ok": 0.6, "error500": 0.2, "lost_reply": 0.1, "reset": 0.1}
    await arena.operator.set_faults(latency_ms=LATENCY_MS, modes=modes)
    for name in random.choices(EVERYBODY, k=int(arena.seconds / 2)):
        await kill_and_start(arena, name)
        await asyncio.sleep(1)
    await arena.operator.set_faults(latency_ms=LATENCY_MS)


TWO = ("dispatcher-2",)
KILLS = tuple(
    Row(
        f"SIGKILL of {name} every 3 s",
        killed_often(name),
        seconds=9,
        api_stays=name != "api",
        quick=name == "dispatcher",
    )
    for name in (*PIPELINE, "api")
)
STOPS = tuple(
    Row(f"SIGTERM of {name} every 3 s", stopped(name), seconds=9, api_stays=name != "api")
    for name in (*PIPELINE, "api")
)
# Between commit and publish, publish and ack, commit and ack; the number says at which turn.
DEATHS = tuple(
    Row(f"death at {failpoint.partition(':')[0]}", dies_at(failpoint, error_rate), seconds=6)
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

ROWS: Sequence[Row] = (
    Row("twenty rolling restarts", roll, seconds=100, more_processes=TWO, api_stays=False),
    Row("reporter away, dispatchers killed", reporter_away, seconds=60, more_processes=TWO),
    Row("SIGSTOP of a dispatcher past its lease", freeze, seconds=FROZEN_SECONDS, more_processes=TWO, freezes=True),
    Row("everything at once", everything_at_once, seconds=30, more_processes=TWO, api_stays=False),
    *KILLS,
    *STOPS,
    *DEATHS,
)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_messages_survive_their_processes(run_row: RunRow, row: Row) -> None:
    await run_row(row)
