"""Edits act at once and lose nothing where connecting is slow, a planner stands still, or requests are open."""

import asyncio
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.conftest import RunExperiment
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import LATENCY_MS, Requirement, Rig
from tests.chaos.oracle.provider_ledger import read_requests
from tests.chaos.test_edits import SETTLED_SECONDS, WITNESS, answered, begun_after, judge_late, requests_of, victim
from tests.support.mailing_rows import add_clients
from tests.support.polling import until

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

VICTIMS = 400
# With a planner that stands still in its worst moment, an operator's row lock is had within a second or two.
SLOWEST_EDIT_SECONDS = 3.0
FREEZES = 12
# An edit waits 1.3 s for a silent dispatcher, and then for its lease of 5 s.
FROZEN_SECONDS = (4.0, 4.4, 4.8, 5.2, 5.6, 6.0)
EDITED_AT = (0.0, 0.35, 0.7)
BETWEEN_FREEZES_SECONDS = 0.5
SLOWEST_BARRIER_SECONDS = 7.0
SLOW_MS = 3000
HALF_OPEN_SECONDS = 40.0
PATIENT = {"HERALD_PROVIDER_TIMEOUT": "10", "HERALD_DISPATCHER_CONCURRENCY": "100"}


async def connect_slowly(rig: Rig) -> None:
    """Cancels a mailing whose claims wait for a connection that takes longer than the cancel."""
    await add_clients(rig.pool, VICTIMS, tag="victim", first=3_000_000)
    mailing_id = await victim(rig)
    await rig.remember_held_claims()
    await rig.relay.ignore()
    await rig.remember_held_claims()
    ignored_at = await rig.pool.fetchval("SELECT clock_timestamp()")

    async def one_waits() -> bool:
        """Says whether a claim was made since then: its request cannot have begun."""
        claimed = (
            "SELECT count(*) FROM flights WHERE mailing_id = $1 AND claimed_number > folded_number AND claimed_at > $2"
        )
        return bool(await rig.pool.fetchval(claimed, mailing_id, ignored_at))

    # The breaker may open meanwhile; then it is a probe that waits.
    await until(one_waits, HALF_OPEN_SECONDS, "a claim waits for a connection")
    await rig.operator.post(f"/mailings/{mailing_id}/cancel")
    before = await _arrived(rig, mailing_id)
    await rig.relay.mend()
    await asyncio.sleep(rig.seconds)
    if begun := await _arrived(rig, mailing_id) - before:
        rig.violations.append(f"I3 {begun} requests began after the cancel was answered")


async def _arrived(rig: Rig, mailing_id: int) -> int:
    """Counts the requests of a mailing that the provider has seen."""
    rows = await rig.pool.fetch("SELECT id FROM messages WHERE mailing_id = $1", mailing_id)
    ids = {row["id"] for row in rows}
    return sum(1 for request in await read_requests(rig.stack.sandbox) if request.message_id in ids)


async def dispatcher_stands_still(rig: Rig) -> None:
    """Freezes one of three dispatchers for 4 to 6 s, and edits the text at the beginning, in the middle, or late."""
    frozen, loop, slowest = rig.stack.process("dispatcher"), asyncio.get_running_loop(), 0.0
    superseded_at: dict[str, datetime] = {}
    text = "Hello"

    async def edit(new: str) -> float:
        began = loop.time()
        superseded_at[text] = await answered(rig, "PATCH", f"/mailings/{rig.main}", {"text": new})
        return loop.time() - began

    for number, seconds in enumerate(FROZEN_SECONDS):
        before = seconds * EDITED_AT[number % len(EDITED_AT)]
        frozen.kill(signal.SIGSTOP)
        await asyncio.sleep(before)
        editing = asyncio.create_task(edit(f"Hello to freeze {number}"))
        await asyncio.sleep(seconds - before)
        frozen.kill(signal.SIGCONT)
        slowest = max(slowest, await editing)
        text = f"Hello to freeze {number}"
        await asyncio.sleep(BETWEEN_FREEZES_SECONDS)
    await asyncio.sleep(SETTLED_SECONDS)
    rig.notes.append(f"slowest edit {slowest:.1f} s")
    if slowest > SLOWEST_BARRIER_SECONDS:
        rig.violations.append(f"I6 an edit took {slowest:.1f} s beside a dispatcher that stands still")
    judge_late(rig, len(superseded_at), begun_after(await requests_of(rig, rig.main), superseded_at))


async def planner_stands_still(rig: Rig) -> None:
    """Freezes the planner at any moment of its turns, and edits, pauses and resumes meanwhile."""
    planner, loop, slowest = rig.stack.process("planner"), asyncio.get_running_loop(), 0.0
    superseded_at: dict[str, datetime] = {}
    pauses: list[tuple[datetime, datetime]] = []
    text = "Hello"
    for number in range(FREEZES):
        await asyncio.sleep(rig.seconds / FREEZES)
        planner.kill(signal.SIGSTOP)
        before, text = text, f"Hello {number}"
        for path, body in (("", {"text": text}), ("/pause", None), ("/resume", None)):
            began, asked_at = loop.time(), datetime.now(UTC)
            moment = await answered(rig, "PATCH" if body else "POST", f"/mailings/{rig.main}{path}", body)
            slowest = max(slowest, loop.time() - began)
            if body:
                superseded_at[before] = moment
            elif path == "/pause":
                paused_at = moment
            else:
                pauses.append((paused_at, asked_at))
        planner.kill(signal.SIGCONT)
    rig.notes.append(f"slowest edit {slowest:.1f} s")
    if slowest > SLOWEST_EDIT_SECONDS:
        rig.violations.append(f"I6 an edit took {slowest:.1f} s beside a planner that stands still")
    await asyncio.sleep(SETTLED_SECONDS)
    requests = await requests_of(rig, rig.main)
    late = [(one, paused) for paused, resumed in pauses for one in requests if paused < one.begun_at < resumed]
    judge_late(rig, len(superseded_at) + len(pauses), late + begun_after(requests, superseded_at))


async def move_the_end_out(rig: Rig) -> None:
    """Moves the end of the brief mailing out while its requests are open: those fail after the old end."""
    await rig.operator.set_faults(latency_ms=SLOW_MS, error_rate=0.8)
    brief: int = await rig.pool.fetchval("SELECT id FROM mailings ORDER BY end_at LIMIT 1")
    rig.others.add(brief)
    left: float = await rig.pool.fetchval(
        "SELECT extract(epoch FROM end_at - clock_timestamp())::float8 FROM mailings WHERE id = $1", brief
    )
    await asyncio.sleep(left - SLOW_MS / 2000)
    end_at = datetime.now(UTC) + timedelta(hours=1)
    await rig.operator.patch(f"/mailings/{brief}", {"end_at": end_at.isoformat()})
    await asyncio.sleep(rig.seconds / 2)
    await rig.operator.set_faults(latency_ms=LATENCY_MS)


EXPERIMENTS: Sequence[Experiment] = (
    Experiment(
        "connecting is slow, and a cancel", connect_slowly, seconds=6, requires=frozenset({Requirement.PROVIDER_RELAY})
    ),
    Experiment("planner stands still, and edits", planner_stands_still, requires=WITNESS),
    Experiment(
        "a dispatcher stands still for 4 to 6 s, and edits",
        dispatcher_stands_still,
        seconds=sum(FROZEN_SECONDS) + len(FROZEN_SECONDS),
        requires=WITNESS,
        env=PATIENT,
        more_processes=("dispatcher-2", "dispatcher-3"),
        freezes_dispatcher=True,
    ),
    Experiment("end moved out, requests open", move_the_end_out, env=PATIENT, seconds=20),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_what_an_operator_changes_acts_whatever_stands_still(
    run_experiment: RunExperiment, experiment: Experiment
) -> None:
    await run_experiment(experiment)
