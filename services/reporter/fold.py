"""Folds a batch of results into the tables, in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reporter import store
from services.reporter.store import RecordedAttempt
from services.reporter.tally import LOST, AttemptRow, BatchTally, tally
from shared import failpoints
from shared.database import Connection, Pool, retry_on_deadlock
from shared.messages import Results


@dataclass(frozen=True, slots=True)
class FoldedBatch:
    """The number of messages moved to each status, and the moment of the fold by the database's clock."""

    moved: dict[str, int]
    at: datetime


async def fold(pool: Pool, bodies: Sequence[Results]) -> FoldedBatch:
    """Folds these bodies, all or none.

    The fold is idempotent by message and attempt number, and does not depend on the order of results. Raises
    UnknownMessage or a database error for data that cannot be folded.
    """

    async def once() -> FoldedBatch:
        async with pool.acquire() as connection, connection.transaction():
            return await _fold(connection, bodies)

    folded = await retry_on_deadlock(once)
    failpoints.reach("reporter.committed")
    return folded


async def _fold(connection: Connection, bodies: Sequence[Results]) -> FoldedBatch:
    results = [result for body in bodies for result in body.results]
    moved: dict[str, int] = {}
    if results:
        records = await store.lock_messages(connection, sorted({result.message_id for result in results}))
        moved = await _apply(connection, tally(results, records))
    return FoldedBatch(moved, await store.move_fence(connection, _newest_fence(bodies), len(results)))


async def _apply(connection: Connection, tallied: BatchTally) -> dict[str, int]:
    changes: Counter[tuple[int, str]] = Counter()
    failures: Counter[int] = Counter()
    if tallied.attempts:
        recorded = await store.record_attempts(connection, tallied.attempts)
        _count(tallied.attempts, recorded, changes, failures)
    for update in tallied.updates:
        if update.first_try is not None:
            changes[update.first_try.mailing_id, update.first_try.outcome] += 1
    retrying = [update for update in tallied.updates if update.status == "retrying"]
    if retrying:
        await store.close_claims(connection, retrying, [failures[update.message_id] for update in retrying])
    moved = await store.settle(connection, tallied.updates) if tallied.updates else {}
    if changes:
        await store.count_outcomes(connection, changes)
    return moved


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


def _newest_fence(bodies: Sequence[Results]) -> datetime | None:
    return max((body.fence for body in bodies if body.fence is not None), default=None)


def split_body(body: Results) -> list[Results]:
    """Splits a body into one for each result, and one for its fence, which comes last."""
    parts = [Results(results=[result]) for result in body.results]
    return parts if body.fence is None else [*parts, Results(fence=body.fence)]
