"""What a batch of results comes to: which attempts to record, and where each message stands after it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.messages import Result
from shared.statuses import ResultStatus

LOST = "lost"

# Which status wins when one batch says several things of a message. The table's own rule is message_rank().
_RANK: dict[ResultStatus, int] = {"retrying": 1, "expired": 2, "rejected": 3, "exhausted": 3, "sent": 4}


class UnknownMessage(Exception):
    """A result speaks of a message that the tables do not have, or of an attempt that was never claimed."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the tables say of a message, its row being locked.

    `recorded` is the highest attempt number on record; `first_try` says that number 1 is recorded in the
    message itself, as a success. `claimed` is the highest number claimed, None when it is not in flight. `base` is
    the highest number of the rounds before this one: what came of them does not move the message any more.
    """

    mailing_id: int
    recorded: int
    first_try: bool
    claimed: int | None
    base: int = 0

    @property
    def highest(self) -> int:
        """The highest number that was ever claimed. A message that is final keeps it as its number of attempts."""
        return self.recorded if self.claimed is None else self.claimed


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row for the attempts table."""

    message_id: int
    number: int
    mailing_id: int
    started_at: datetime | None
    duration_ms: int | None
    http_status: int | None
    outcome: str
    detail: str | None
    failed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message stands after the batch, said by its highest attempt, and its final status if it has one."""

    message_id: int
    number: int
    status: ResultStatus
    reason: str | None
    final_at: datetime | None
    due_at: datetime
    queued: bool
    first_try: Result | None


@dataclass(frozen=True, slots=True)
class Tally:
    attempts: tuple[Attempt, ...]
    standings: tuple[Standing, ...]


def tally(results: Iterable[Result], known: Mapping[int, Known]) -> Tally:
    """Folds results into attempts and standings. Raises UnknownMessage.

    A result that stands there twice counts once. Numbers that were skipped are recorded as lost: their
    process died before it could publish a result.
    """
    by_message: dict[int, dict[int, Result]] = defaultdict(dict)
    for result in results:
        by_message[result.message_id].setdefault(result.number, result)
    attempts: list[Attempt] = []
    standings: list[Standing] = []
    for message_id in sorted(by_message):
        facts = known.get(message_id)
        if facts is None:
            raise UnknownMessage(f"message {message_id} is not in the tables")
        numbered = by_message[message_id]
        if max(numbered) > facts.highest:
            raise UnknownMessage(f"message {message_id}: attempt {max(numbered)} was never claimed")
        first_try = _first_try(numbered.get(1), facts)
        attempts += _attempts(numbered, facts, first_try)
        counting = [result for result in numbered.values() if _counts(result, facts)]
        if counting:
            standings.append(_standing(counting, first_try))
    return Tally(tuple(attempts), tuple(standings))


def _counts(result: Result, known: Known) -> bool:
    """Returns whether a result moves the message: one of this round does, and a success always."""
    return result.number > known.base or result.status == "sent"


def _first_try(result: Result | None, known: Known) -> Result | None:
    """Picks the success that the message itself will record, unless number 1 is on record already."""
    if result is None or result.status != "sent" or known.recorded >= 1:
        return None
    return result


def _attempts(numbered: Mapping[int, Result], known: Known, first_try: Result | None) -> list[Attempt]:
    kept = [
        _attempt(result, known)
        for number, result in sorted(numbered.items())
        if result is not first_try and not (number == 1 and known.first_try)
    ]
    skipped = set(range(known.recorded + 1, max(numbered))) - set(numbered) if known.claimed is not None else set()
    any_result = next(iter(numbered.values()))
    return [_lost(any_result.message_id, known.mailing_id, number) for number in sorted(skipped)] + kept


def _attempt(result: Result, known: Known) -> Attempt:
    return Attempt(
        message_id=result.message_id,
        number=result.number,
        mailing_id=known.mailing_id,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        http_status=result.http_status,
        outcome=result.outcome,
        detail=result.detail,
        # The budget is that of this round.
        failed=result.failed and result.number > known.base,
    )


def _lost(message_id: int, mailing_id: int, number: int) -> Attempt:
    return Attempt(message_id, number, mailing_id, None, None, None, LOST, None, False)


def _standing(results: Sequence[Result], first_try: Result | None) -> Standing:
    last = max(results, key=lambda result: result.number)
    top = max(results, key=lambda result: (_RANK[result.status], result.number))
    final = top.status != "retrying"
    ended_at = top.started_at + timedelta(milliseconds=top.duration_ms)
    return Standing(
        message_id=last.message_id,
        number=last.number,
        status=top.status,
        reason=top.reason,
        final_at=ended_at if final else None,
        due_at=last.due_at or ended_at,
        queued=last.queued,
        first_try=first_try,
    )
