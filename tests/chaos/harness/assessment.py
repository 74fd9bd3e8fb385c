"""Collects what is known about a finished experiment, and lets the oracle judge it."""

from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.harness.result import ExperimentResult
from tests.chaos.harness.rig import Rig
from tests.chaos.oracle import observations
from tests.chaos.oracle.invariants import Assessment, judge
from tests.chaos.oracle.provider_ledger import read_requests
from tests.support.stack import Stack

NEVER_AWAY = datetime.fromtimestamp(0, UTC)


async def assess(
    rig: Rig,
    must_reach_all: set[int],
    recovered: float | None = None,
    *,
    closable_at: datetime = NEVER_AWAY,
    freezes_dispatcher: bool = False,
    excuse: str | None = None,
) -> ExperimentResult:
    """Returns the result of an experiment whose pipeline is at rest.

    `must_reach_all` are the ids of the mailings that must reach all of their clients.
    """
    mailings = await observations.read_mailings(rig.pool, must_reach_all)
    observed = observations.Observations(
        mailings=mailings,
        messages=await observations.read_messages(rig.pool),
        requests=await read_requests(rig.stack.sandbox),
        attempts=await observations.count_attempts(rig.pool),
        replied_late=0 if freezes_dispatcher else await observations.count_replied_late(rig.pool),
        held_claims=len(rig.held_claims),
        closable_at=closable_at,
        excuse=excuse,
        memory=_memory(rig.stack),
        inconsistencies=await observations.find_inconsistencies(rig.pool, [mailing.id for mailing in mailings]),
        held_messages=[message_id for message_id, _ in rig.held_claims] if freezes_dispatcher else (),
    )
    assessment = judge(observed)
    return ExperimentResult(
        fault=rig.fault,
        attempts=assessment.attempts,
        accepted=assessment.accepted,
        lost=assessment.lost,
        duplicated=assessment.duplicated,
        late=assessment.late,
        recovered=None if recovered is None else round(recovered, 1),
        note="; ".join([*_note_repeats(assessment), *rig.notes]),
        violations=(*assessment.violations, *rig.violations),
    )


def _note_repeats(assessment: Assessment) -> list[str]:
    if not assessment.permitted_repeats:
        return []
    note = f"{assessment.permitted_repeats} repeats admitted"
    if assessment.explained_repeats:
        note += f", {assessment.explained_repeats} of them after a lost reply"
    return [note, *([f"{assessment.most_repeats} of one message"] if assessment.most_repeats > 1 else [])]


def _memory(stack: Stack) -> dict[str, int]:
    """Returns the peak memory of every process in bytes."""
    return {name: _peak(pid) for name, pid in stack.pids().items()}


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kibibytes) * 1024
