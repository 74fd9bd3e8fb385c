"""Tallies a batch of results: which attempts to record, and how each message moves. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from services.reporter.body import FoldableResult
from shared.messages import Result
from shared.statuses import ResultStatus

LOST = "lost"

# Which status wins when one batch holds several results of a message. message_rank() is the same rule in SQL.
_RANK: dict[ResultStatus, int] = {"retrying": 1, "expired": 2, "rejected": 3, "exhausted": 3, "sent": 4}


# A result's moment outside of these is damaged. Clocks differ by less than a day.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LONGEST_AHEAD = timedelta(days=1)


class UnfoldableResult(Exception):
    """A result that cannot be folded in full."""


class UnknownMessage(UnfoldableResult):
    """A result about a message that the tables do not have, or about an attempt that was never claimed."""


class ImplausibleMoment(UnfoldableResult):
    """A result of an attempt that began in another age."""


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """The state of a message in the tables, under its row lock.

    `recorded`: the highest attempt number on record. `first_try`: number 1 was a success, and is recorded in the
    message itself. `claimed`: the highest number claimed, None when the message is not in flight. `base`: the highest
    number of earlier rounds, whose results no longer move the message. `resent`: an earlier round was a success, which
    is on record, and does not move it either.
    """

    mailing_id: int
    recorded: int
    first_try: bool
    claimed: int | None
    base: int = 0
    resent: bool = False

    @property
    def highest(self) -> int:
        """The highest number that was ever claimed. A final message keeps it as its number of attempts."""
        return self.recorded if self.claimed is None else self.claimed


@dataclass(frozen=True, slots=True)
class AttemptRow:
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
    provider: str | None = None
    provider_id: str | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MessageUpdate:
    """The change of one message by a batch: its status, by its highest attempt, and when the next attempt is due.

    Without `due_at` that is at once. The provider is that of the attempt which gave the status. `unsure` and `refused`
    are of all attempts of the batch.
    """

    message_id: int
    number: int
    status: ResultStatus
    reason: str | None
    final_at: datetime | None
    due_at: datetime | None
    queued: bool
    first_try: Result | None
    provider: str | None = None
    provider_id: str | None = None
    cost: Decimal | None = None
    unsure: bool = False
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchTally:
    """The attempts to record and the messages to move, of one batch."""

    attempts: tuple[AttemptRow, ...]
    updates: tuple[MessageUpdate, ...]


def tally(results: Iterable[FoldableResult], records: Mapping[int, MessageRecord], now: datetime) -> BatchTally:
    """Turns results into attempts and updates. Raises UnfoldableResult; `now` is the database's time.

    A result that comes twice counts once. Skipped numbers are recorded as lost: their process died before it could
    publish a result.
    """
    by_message: dict[int, dict[int, FoldableResult]] = defaultdict(dict)
    for result in results:
        _check_moment(result, now)
        by_message[result.message_id].setdefault(result.number, result)
    attempts: list[AttemptRow] = []
    updates: list[MessageUpdate] = []
    for message_id in sorted(by_message):
        record = records.get(message_id)
        if record is None:
            raise UnknownMessage(f"message {message_id} is not in the tables")
        numbered = by_message[message_id]
        if max(numbered) > record.highest:
            raise UnknownMessage(f"message {message_id}: attempt {max(numbered)} was never claimed")
        first_try = _first_try(numbered.get(1), record)
        attempts += _attempts(numbered, record, first_try)
        counting = [result for result in numbered.values() if _counts(result, record)]
        if counting:
            updates.append(_update(counting, first_try))
    return BatchTally(tuple(attempts), tuple(updates))


def _check_moment(result: FoldableResult, now: datetime) -> None:
    if result.started_at is not None and not EARLIEST <= result.started_at <= now + LONGEST_AHEAD:
        raise ImplausibleMoment(f"message {result.message_id}: attempt {result.number} began at an impossible moment")


def _counts(result: FoldableResult, record: MessageRecord) -> bool:
    """Returns whether a result moves the message: a result of this round does, and a success that is news."""
    return result.number > record.base or (result.status == "sent" and not record.resent)


def _first_try(result: FoldableResult | None, record: MessageRecord) -> Result | None:
    """Returns the success to be recorded in the message itself; None unless number 1 succeeded and is not recorded."""
    if not isinstance(result, Result) or result.status != "sent" or record.recorded >= 1:
        return None
    return result


def _attempts(
    numbered: Mapping[int, FoldableResult], record: MessageRecord, first_try: Result | None
) -> list[AttemptRow]:
    kept = [
        _attempt(result, record)
        for number, result in sorted(numbered.items())
        if result is not first_try and not (number == 1 and record.first_try)
    ]
    skipped = set(range(record.recorded + 1, max(numbered))) - set(numbered) if record.claimed is not None else set()
    any_result = next(iter(numbered.values()))
    return [_lost(any_result.message_id, record.mailing_id, number) for number in sorted(skipped)] + kept


def _attempt(result: FoldableResult, record: MessageRecord) -> AttemptRow:
    return AttemptRow(
        message_id=result.message_id,
        number=result.number,
        mailing_id=record.mailing_id,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        http_status=result.http_status,
        outcome=result.outcome,
        detail=result.detail,
        # Only failures of this round spend its budget.
        failed=result.failed and result.number > record.base,
        provider=result.provider,
        provider_id=result.provider_id,
        cost=result.cost,
    )


def _lost(message_id: int, mailing_id: int, number: int) -> AttemptRow:
    return AttemptRow(message_id, number, mailing_id, None, None, None, LOST, None, False)


def _update(results: Sequence[FoldableResult], first_try: Result | None) -> MessageUpdate:
    last = max(results, key=lambda result: result.number)
    top = max(results, key=lambda result: (_RANK[result.status], result.number))
    final = top.status != "retrying"
    ended_at = _ended_at(top)
    return MessageUpdate(
        message_id=last.message_id,
        number=last.number,
        status=top.status,
        reason=top.reason,
        final_at=ended_at if final else None,
        due_at=last.due_at or ended_at,
        queued=last.queued,
        first_try=first_try,
        provider=top.provider,
        provider_id=top.provider_id,
        cost=top.cost,
        unsure=any(result.unsure for result in results),
        refused=tuple({result.provider for result in results if result.refused and result.provider is not None}),
    )


def _ended_at(result: FoldableResult) -> datetime | None:
    if result.started_at is None or result.duration_ms is None:
        return None
    return result.started_at + timedelta(milliseconds=result.duration_ms)
