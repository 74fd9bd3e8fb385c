"""Folds a batch of results into the tables: successes of a first attempt in bulk, all others in a transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeGuard

from services.reporter import store
from services.reporter.body import FoldableBody, FoldableResult
from services.reporter.store import RecordedAttempt
from services.reporter.tally import LOST, AttemptRow, BatchTally, UnfoldableResult, tally
from shared import failpoints
from shared.database import QUOTING, Connection, Pool, retry_on_deadlock
from shared.messages import Result, Results

# What a result's own values can raise. Every other error is not its fault, and is no reason to set it aside.
# ValueError and OverflowError: a moment at the end of the calendar, or a text that is no Unicode.
DATA_ERRORS = (UnfoldableResult, *QUOTING, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class FoldedBatch:
    """The number of messages moved to each status, and the moment of the fold by the database's clock."""

    moved: dict[str, int]
    at: datetime


async def fold(pool: Pool, bodies: Sequence[FoldableBody | Results]) -> FoldedBatch:
    """Folds these bodies.

    The fold is idempotent by message and attempt number, and does not depend on the order of results. So it may take
    two transactions, and what fails after the first can be folded again; their newest fence is stored in the last.
    Raises one of DATA_ERRORS for a result that cannot be folded.
    """
    results = [result for body in bodies for result in body.results]
    fence = max((body.fence for body in bodies if body.fence is not None), default=None)
    first_tries, others = _part(results)
    moved: Counter[str] = Counter()
    at = None
    if first_tries:
        try:
            at = await _fold_first_tries(pool, first_tries, None if others else fence)
            moved["sent"] += len(first_tries)
        except store.NotFirstTries:
            others = results
    if others or at is None:
        rest = await retry_on_deadlock(lambda: _fold_in_full(pool, others, fence))
        moved.update(rest.moved)
        at = rest.at
    failpoints.reach("reporter.committed")
    return FoldedBatch(dict(moved), at)


def _part(results: Sequence[FoldableResult]) -> tuple[list[Result], list[FoldableResult]]:
    """Parts results into successes of a first attempt, one a message, and all others."""
    first_tries: dict[int, Result] = {}
    others: list[FoldableResult] = []
    for result in results:
        if _is_first_try(result) and result.message_id not in first_tries:
            first_tries[result.message_id] = result
        else:
            others.append(result)
    return list(first_tries.values()), others


def _is_first_try(result: FoldableResult) -> TypeGuard[Result]:
    return (
        result.number == 1 and result.status == "sent" and result.outcome == "accepted" and isinstance(result, Result)
    )


async def _fold_first_tries(pool: Pool, results: Sequence[Result], fence: datetime | None) -> datetime:
    async def once() -> datetime:
        async with pool.acquire() as connection:
            return await store.fold_first_tries(connection, results, fence)

    return await retry_on_deadlock(once)


async def _fold_in_full(pool: Pool, results: Sequence[FoldableResult], fence: datetime | None) -> FoldedBatch:
    async with pool.acquire() as connection, connection.transaction():
        moved: dict[str, int] = {}
        if results:
            message_ids = sorted({result.message_id for result in results})
            now = await store.lock_messages(connection, message_ids)
            records = await store.read_messages(connection, message_ids)
            moved = await _apply(connection, tally(results, records, now))
            await _note_opt_outs(connection, results)
        return FoldedBatch(moved, await store.move_fence(connection, fence, len(results)))


async def _note_opt_outs(connection: Connection, results: Sequence[FoldableResult]) -> None:
    found = {
        result.client_id: result.provider
        for result in results
        if isinstance(result, Result) and result.opt_out and result.provider is not None
    }
    if found:
        await store.note_opt_outs(connection, found)


async def _apply(connection: Connection, tallied: BatchTally) -> dict[str, int]:
    changes: Counter[tuple[int, str]] = Counter()
    by_provider: dict[tuple[int, str, str], tuple[int, Decimal]] = {}
    failures: Counter[int] = Counter()
    if tallied.attempts:
        recorded = await store.record_attempts(connection, tallied.attempts)
        _count(tallied.attempts, recorded, changes, failures)
        _count_providers(tallied.attempts, recorded, by_provider)
    for update in tallied.updates:
        if update.first_try is not None:
            changes[update.first_try.mailing_id, update.first_try.outcome] += 1
            _add(by_provider, update.first_try.mailing_id, update.first_try)
    retrying = [update for update in tallied.updates if update.status == "retrying"]
    if retrying:
        await store.close_claims(connection, retrying, [failures[update.message_id] for update in retrying])
    moved = await store.settle(connection, tallied.updates) if tallied.updates else {}
    if changes:
        await store.count_outcomes(connection, changes)
    noted = [update for update in tallied.updates if update.provider is not None]
    if noted:
        await store.note_providers(connection, noted)
    if by_provider:
        await store.count_provider_outcomes(connection, by_provider)
    return moved


def _count_providers(
    attempts: Sequence[AttemptRow],
    recorded: Sequence[RecordedAttempt],
    by_provider: dict[tuple[int, str, str], tuple[int, Decimal]],
) -> None:
    """Counts the attempts that were not on record before, by provider. One that was lost is in no provider's count."""
    by_key = {(attempt.message_id, attempt.number): attempt for attempt in attempts}
    for one in recorded:
        attempt = by_key[one.message_id, one.number]
        _add(by_provider, attempt.mailing_id, attempt)


def _add(
    by_provider: dict[tuple[int, str, str], tuple[int, Decimal]], mailing_id: int, attempt: AttemptRow | Result
) -> None:
    if attempt.provider is None:
        return
    key = mailing_id, attempt.provider, attempt.outcome
    count, cost = by_provider.get(key, (0, Decimal(0)))
    by_provider[key] = count + 1, cost + (attempt.cost or Decimal(0))


def _count(
    attempts: Sequence[AttemptRow],
    recorded: Sequence[RecordedAttempt],
    changes: Counter[tuple[int, str]],
    failures: Counter[int],
) -> None:
    """Counts the attempts that were not on record before, by outcome and as failures."""
    by_key = {(attempt.message_id, attempt.number): attempt for attempt in attempts}
    for one in recorded:
        attempt = by_key[one.message_id, one.number]
        changes[attempt.mailing_id, attempt.outcome] += 1
        failures[one.message_id] += attempt.failed
        if not one.new:
            changes[attempt.mailing_id, LOST] -= 1
