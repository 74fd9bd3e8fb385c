"""The oracle: compares the plan in the database with the provider's ledger, and says which promise is broken."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

from services.planner.closing import OUTCOME_UNKNOWN
from tests.chaos.ledger import Request, acceptances, lost_replies
from tests.support.consistency import check_consistency

FINAL = frozenset({"sent", "rejected", "exhausted", "expired", "cancelled"})
# I1: a final status by end_at and so much.
CLOSED_AFTER = timedelta(seconds=30)
MEBIBYTE = 1024 * 1024
# I7: what one process may have taken at its peak.
MOST_MEMORY = 256 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Mailing:
    """`whole`: nothing kept it from being sent to everybody, so everybody must have got it."""

    id: int
    end_at: datetime
    finished_at: datetime | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Message:
    """`attempts` is the highest number on record; `unaccepted` counts recorded attempts that did not succeed.

    `timed_out` counts those whose reply did not come within the timeout.
    """

    id: int
    mailing_id: int
    status: str
    reason: str | None
    attempts: int
    unaccepted: int
    timed_out: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is known when the pipeline is at rest again.

    `held`: claims open when a process that held some was killed. `closable_at`: from when on a mailing whose end
    had come could be closed, the database being there. `excuse`: a reason for which a message of a whole mailing
    may be left unsent, for rows whose provider asks for it. Memory is in bytes, `slowest` in seconds.
    """

    mailings: Sequence[Mailing]
    messages: Sequence[Message]
    requests: Sequence[Request]
    attempts: int
    replied_late: int
    held: int
    closable_at: datetime
    excuse: str | None
    memory: dict[str, int]
    books: Sequence[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    attempts: int
    accepted: int
    lost: int
    duplicated: int
    bound: int
    late: int
    broken: tuple[str, ...]


def judge(found: Findings) -> Verdict:
    """Returns what the findings come to. Pure."""
    accepted = acceptances(found.requests)
    bound = found.held + lost_replies(found.requests) + sum(_replied_too_late(found.messages, accepted))
    verdict = Verdict(
        attempts=found.attempts,
        accepted=accepted.total(),
        lost=len(set(_lost(found, accepted))),
        duplicated=accepted.total() - len(accepted),
        bound=bound,
        late=len(list(_late(found))) + found.replied_late,
        broken=(),
    )
    broken = [
        *_counts_broken(verdict),
        *_closing_broken(found),
        *found.books,
        *_books_broken(found, accepted),
        *_memory_broken(found),
    ]
    return replace(verdict, broken=tuple(broken))


def _lost(found: Findings, accepted: Counter[int]) -> Iterator[int]:
    whole = {mailing.id for mailing in found.mailings if mailing.whole}
    for message in found.messages:
        excused = found.excuse is not None and found.excuse in (message.reason or "")
        unfinished = message.status not in FINAL
        imagined = message.status == "sent" and not accepted[message.id]
        missed = message.status != "sent" and message.mailing_id in whole and not excused
        if unfinished or imagined or missed:
            yield message.id


def _replied_too_late(messages: Sequence[Message], accepted: Counter[int]) -> Iterator[int]:
    """Counts repeats that followed an accepted request whose reply came after the timeout: it was lost, too.

    On a machine that stands still for seconds that happens to a provider that is well.
    """
    return (min(max(accepted[message.id] - 1, 0), message.timed_out) for message in messages)


def _late(found: Findings) -> Iterator[Request]:
    ends = {mailing.id: mailing.end_at for mailing in found.mailings}
    end_of = {message.id: ends[message.mailing_id] for message in found.messages}
    return (r for r in found.requests if r.message_id in end_of and r.received_at > end_of[r.message_id])


def _counts_broken(verdict: Verdict) -> Iterator[str]:
    if verdict.lost:
        yield f"I1 {verdict.lost} lost"
    if verdict.late:
        yield f"I2 {verdict.late} late"
    if verdict.duplicated > verdict.bound:
        yield f"I4 {verdict.duplicated} duplicated, {verdict.bound} admitted"


def _closing_broken(found: Findings) -> Iterator[str]:
    for mailing in found.mailings:
        if mailing.finished_at is None:
            yield f"I1 mailing {mailing.id} is not finished"
        elif (late := mailing.finished_at - max(mailing.end_at, found.closable_at)) > CLOSED_AFTER:
            yield f"I1 mailing {mailing.id} finished {late.total_seconds():.1f} s after its end"


def _books_broken(found: Findings, accepted: Counter[int]) -> Iterator[str]:
    requests = Counter(request.message_id for request in found.requests)
    known = {message.id for message in found.messages}
    if strange := set(requests) - known:
        yield f"I5 {len(strange)} messages at the provider that are in no mailing"
    unexplained = [m for m in found.messages if accepted[m.id] and m.status != "sent" and m.reason != OUTCOME_UNKNOWN]
    if unexplained:
        yield f"I5 {len(unexplained)} accepted and not sent, as {unexplained[0]}"
    unseen = [m for m in found.messages if requests[m.id] > m.attempts or accepted[m.id] > m.unaccepted + 1]
    if unseen:
        yield f"I4 {len(unseen)} with more requests than attempts show, as {unseen[0]}"


def _memory_broken(found: Findings) -> Iterator[str]:
    for name, size in found.memory.items():
        if size > MOST_MEMORY:
            yield f"I7 {name} took {size // MEBIBYTE} MiB"


async def read_mailings(pool: asyncpg.Pool, whole: set[int]) -> list[Mailing]:
    rows = await pool.fetch("SELECT id, end_at, finished_at FROM mailings ORDER BY id")
    return [Mailing(row[0], row[1], row[2], row[0] in whole) for row in rows]


async def read_messages(pool: asyncpg.Pool) -> list[Message]:
    rows = await pool.fetch(
        """
        SELECT m.id, m.mailing_id, m.status::text, m.reason, m.attempts,
            count(a.number) FILTER (WHERE a.outcome <> 'accepted'),
            count(a.number) FILTER (WHERE a.outcome = 'timeout')
        FROM messages m LEFT JOIN attempts a ON a.message_id = m.id GROUP BY m.id ORDER BY m.id
        """
    )
    return [Message(*row) for row in rows]


async def count_attempts(pool: asyncpg.Pool) -> int:
    value: int = await pool.fetchval("SELECT coalesce(sum(count), 0)::bigint FROM outcomes")
    return value


async def count_replied_late(pool: asyncpg.Pool) -> int:
    """Counts attempts that were still open at their mailing's end, by the moments on record."""
    value: int = await pool.fetchval(
        """
        SELECT count(*) FROM (
            SELECT mailing_id, started_at + duration_ms * interval '1 ms' AS ended_at FROM attempts
            UNION ALL
            SELECT mailing_id, started_at + duration_ms * interval '1 ms' FROM messages
        ) AS every JOIN mailings m ON m.id = every.mailing_id WHERE every.ended_at > m.end_at
        """
    )
    return value


async def check_all_books(pool: asyncpg.Pool, mailing_ids: Sequence[int]) -> list[str]:
    """Compares every count with the rows, and returns what does not add up."""
    broken = []
    for mailing_id in mailing_ids:
        try:
            await check_consistency(pool, mailing_id)
        except AssertionError as error:
            broken.append(f"I5 books of mailing {mailing_id}: {str(error)[:200]}")
    return broken
