"""One batch of results, folded in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reporter import store
from services.reporter.tally import LOST, Attempt, Tally, tally
from shared import failpoints
from shared.database import Connection, Pool, retry_on_deadlock
from shared.messages import Results


@dataclass(frozen=True, slots=True)
class Folded:
    """How many messages became what, and when by the database's clock."""

    moved: dict[str, int]
    at: datetime


async def fold(pool: Pool, bodies: Sequence[Results]) -> Folded:
    """Folds these bodies, all or none.

    Idempotent by message and attempt number, and free of order. Raises UnknownMessage or a database error for
    data that cannot be folded.
    """

    async def once() -> Folded:
        async with pool.acquire() as connection, connection.transaction():
            return await _fold(connection, bodies)

    folded = await retry_on_deadlock(once)
    failpoints.reach("reporter.committed")
    return folded


async def _fold(connection: Connection, bodies: Sequence[Results]) -> Folded:
    results = [result for body in bodies for result in body.results]
    moved: dict[str, int] = {}
    if results:
        known = await store.lock_messages(connection, sorted({result.message_id for result in results}))
        moved = await _apply(connection, tally(results, known))
    return Folded(moved, await store.move_fence(connection, _newest_fence(bodies), len(results)))


async def _apply(connection: Connection, folded: Tally) -> dict[str, int]:
    changes: Counter[tuple[int, str]] = Counter()
    failures: Counter[int] = Counter()
    if folded.attempts:
        recorded = await store.record_attempts(connection, folded.attempts)
        _count(folded.attempts, recorded, changes, failures)
    for standing in folded.standings:
        if standing.first_try is not None:
            changes[standing.first_try.mailing_id, standing.first_try.outcome] += 1
    retrying = [standing for standing in folded.standings if standing.status == "retrying"]
    if retrying:
        await store.land_attempts(connection, retrying, [failures[standing.message_id] for standing in retrying])
    moved = await store.settle(connection, folded.standings) if folded.standings else {}
    if changes:
        await store.count_outcomes(connection, changes)
    return moved


def _count(
    attempts: Sequence[Attempt],
    recorded: Sequence[tuple[int, int, bool]],
    changes: Counter[tuple[int, str]],
    failures: Counter[int],
) -> None:
    """Counts the attempts that were not on record before, by outcome and as failures."""
    by_key = {(attempt.message_id, attempt.number): attempt for attempt in attempts}
    for message_id, number, new in recorded:
        attempt = by_key[message_id, number]
        changes[attempt.mailing_id, attempt.outcome] += 1
        failures[message_id] += attempt.failed
        if not new:
            changes[attempt.mailing_id, LOST] -= 1


def _newest_fence(bodies: Sequence[Results]) -> datetime | None:
    return max((body.fence for body in bodies if body.fence is not None), default=None)


def one_by_one(body: Results) -> list[Results]:
    """Splits a body that cannot be folded whole, so that only what is wrong in it stays out."""
    parts = [Results(results=[result]) for result in body.results]
    return parts if body.fence is None else [*parts, Results(fence=body.fence)]
