"""Judges whether a finished experiment kept the promises I1 to I7 of docs/reliability.md. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from services.planner.closing.rules import OUTCOME_UNKNOWN
from shared.statuses import MESSAGE_STATUSES
from tests.chaos.oracle.observations import Observations, ObservedMessage
from tests.chaos.oracle.provider_ledger import ProviderRequest, count_acceptances, count_lost_replies

FINAL = frozenset(MESSAGE_STATUSES) - {"pending", "retrying"}
# I1: how long after its end a mailing may take until all of its messages are final.
CLOSED_WITHIN = timedelta(seconds=30)
MEBIBYTE = 1024 * 1024
# I7: the peak memory of one process, in bytes.
MAX_MEMORY = 256 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Assessment:
    """The counts of an experiment, the repeats that I4 permits in it, and the broken promises.

    `explained_repeats` are those of messages of which as many replies were lost, and `most_repeats` is the most of any.
    """

    attempts: int
    accepted: int
    lost: int
    duplicated: int
    permitted_repeats: int
    explained_repeats: int
    most_repeats: int
    late: int
    violations: tuple[str, ...]


def judge(observed: Observations) -> Assessment:
    """Compares the plan in the database with the provider's ledger."""
    accepted = count_acceptances(observed.requests)
    explained = sum(_explained_repeats(observed, accepted))
    assessment = Assessment(
        attempts=observed.attempts,
        accepted=accepted.total(),
        lost=len(set(_lost(observed, accepted))),
        duplicated=accepted.total() - len(accepted),
        permitted_repeats=observed.held_claims + explained,
        explained_repeats=explained,
        most_repeats=max(accepted.values(), default=1) - 1,
        late=len(list(_late(observed))) + observed.replied_late,
        violations=(),
    )
    violations = [
        *_count_violations(assessment),
        *_closing_violations(observed),
        *observed.inconsistencies,
        *_ledger_violations(observed, accepted),
        *_memory_violations(observed),
    ]
    return replace(assessment, violations=tuple(violations))


def _lost(observed: Observations, accepted: Counter[int]) -> Iterator[int]:
    """Yields each message that is not final, is sent but unknown to the provider, or is unsent without excuse."""
    must_reach_all = {mailing.id for mailing in observed.mailings if mailing.must_reach_all}
    for message in observed.messages:
        excused = observed.excuse is not None and observed.excuse in (message.reason or "")
        unfinished = message.status not in FINAL
        unknown_to_provider = message.status == "sent" and not accepted[message.id]
        missed = message.status != "sent" and message.mailing_id in must_reach_all and not excused
        if unfinished or unknown_to_provider or missed:
            yield message.id


def _explained_repeats(observed: Observations, accepted: Counter[int]) -> Iterator[int]:
    """Yields for each message its repeats after accepted requests whose reply was lost, or came after the timeout.

    A lost reply explains one repeat of its own message, and none of another. A healthy provider has late replies on a
    machine that stands still for seconds.
    """
    lost = count_lost_replies(observed.requests)
    return (min(max(accepted[one.id] - 1, 0), lost[one.id] + one.timed_out) for one in observed.messages)


def _late(observed: Observations) -> Iterator[ProviderRequest]:
    ends = {mailing.id: mailing.end_at for mailing in observed.mailings}
    end_of = {message.id: ends[message.mailing_id] for message in observed.messages}
    return (r for r in observed.requests if r.message_id in end_of and r.received_at > end_of[r.message_id])


def _count_violations(assessment: Assessment) -> Iterator[str]:
    if assessment.lost:
        yield f"I1 {assessment.lost} lost"
    if assessment.late:
        yield f"I2 {assessment.late} late"
    if assessment.duplicated > assessment.permitted_repeats:
        yield f"I4 {assessment.duplicated} duplicated, {assessment.permitted_repeats} admitted"


def _closing_violations(observed: Observations) -> Iterator[str]:
    for mailing in observed.mailings:
        if mailing.finished_at is None:
            yield f"I1 mailing {mailing.id} is not finished"
        elif (late := mailing.finished_at - max(mailing.end_at, observed.closable_at)) > CLOSED_WITHIN:
            yield f"I1 mailing {mailing.id} finished {late.total_seconds():.1f} s after its end"


def _ledger_violations(observed: Observations, accepted: Counter[int]) -> Iterator[str]:
    messages = observed.messages
    requests = Counter(request.message_id for request in observed.requests)
    known = {message.id for message in messages}
    if unknown := set(requests) - known:
        yield f"I5 {len(unknown)} messages at the provider that are in no mailing"
    unexplained = [m for m in messages if accepted[m.id] and m.status != "sent" and not _is_unknown(m)]
    if unexplained:
        yield f"I5 {len(unexplained)} accepted and not sent, as {unexplained[0]}"
    # A dispatcher that stood still may have had a success which nobody else could know of, and tell of it later.
    told_late = Counter(observed.held_messages)
    unrecorded = [
        m for m in messages if requests[m.id] > m.attempts or accepted[m.id] > m.unaccepted + 1 + told_late[m.id]
    ]
    if unrecorded:
        yield f"I4 {len(unrecorded)} with more requests than attempts show, as {unrecorded[0]}"


def _is_unknown(message: ObservedMessage) -> bool:
    # A dispatcher says more of it than the planner.
    return (message.reason or "").startswith(OUTCOME_UNKNOWN)


def _memory_violations(observed: Observations) -> Iterator[str]:
    for name, size in observed.memory.items():
        if size > MAX_MEMORY:
            yield f"I7 {name} took {size // MEBIBYTE} MiB"
