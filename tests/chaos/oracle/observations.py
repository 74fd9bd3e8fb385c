"""What is known about a finished experiment, and the statements that read it from the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from tests.chaos.oracle.provider_ledger import ProviderRequest
from tests.support.consistency import check_consistency


@dataclass(frozen=True, slots=True)
class ObservedMailing:
    """`must_reach_all`: nothing prevented the mailing from reaching all of its clients, so it must have."""

    id: int
    end_at: datetime
    finished_at: datetime | None
    must_reach_all: bool


@dataclass(frozen=True, slots=True)
class ObservedMessage:
    """`attempts` is the highest number on record; `unaccepted` counts the recorded attempts that did not succeed.

    `timed_out` counts those of them whose reply did not come within the timeout.
    """

    id: int
    mailing_id: int
    status: str
    reason: str | None
    attempts: int
    unaccepted: int
    timed_out: int = 0


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that the oracle judges by. It is read when the pipeline is at rest again.

    - `replied_late`: attempts that were still open at the end of their mailing.
    - `held_claims`: claims that were open when their process was killed.
    - `closable_at`: the moment from which an ended mailing could be closed, because the database was back.
    - `excuse`: a reason for which messages may be unsent although their mailing must reach everybody.
    - `memory`: peak bytes by process.
    - `inconsistencies`: counters that disagree with the rows.
    - `held_messages`: the message of each claim that a dispatcher held while it stood still.
    """

    mailings: Sequence[ObservedMailing]
    messages: Sequence[ObservedMessage]
    requests: Sequence[ProviderRequest]
    attempts: int
    replied_late: int
    held_claims: int
    closable_at: datetime
    excuse: str | None
    memory: dict[str, int]
    inconsistencies: Sequence[str]
    held_messages: Sequence[int] = ()


async def read_mailings(pool: asyncpg.Pool, must_reach_all: set[int]) -> list[ObservedMailing]:
    rows = await pool.fetch("SELECT id, end_at, finished_at FROM mailings ORDER BY id")
    return [ObservedMailing(**row, must_reach_all=row["id"] in must_reach_all) for row in rows]


async def read_messages(pool: asyncpg.Pool) -> list[ObservedMessage]:
    rows = await pool.fetch(
        """
        SELECT m.id, m.mailing_id, m.status::text, m.reason, m.attempts,
            count(a.number) FILTER (WHERE a.outcome <> 'accepted') AS unaccepted,
            count(a.number) FILTER (WHERE a.outcome = 'timeout') AS timed_out
        FROM messages m LEFT JOIN attempts a ON a.message_id = m.id GROUP BY m.id ORDER BY m.id
        """
    )
    return [ObservedMessage(**row) for row in rows]


async def count_attempts(pool: asyncpg.Pool) -> int:
    value: int = await pool.fetchval("SELECT coalesce(sum(count), 0)::bigint FROM outcomes")
    return value


async def count_replied_late(pool: asyncpg.Pool) -> int:
    """Counts the attempts whose recorded end is after the end of their mailing."""
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


async def find_inconsistencies(pool: asyncpg.Pool, mailing_ids: Sequence[int]) -> list[str]:
    """Returns a line for each mailing whose counters disagree with its rows."""
    found = []
    for mailing_id in mailing_ids:
        try:
            await check_consistency(pool, mailing_id)
        except AssertionError as error:
            found.append(f"I5 counters of mailing {mailing_id}: {str(error)[:200]}")
    return found
