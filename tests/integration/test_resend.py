"""Resends: final messages get a new round, by the planner and the reporter, on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.dispatcher.claims.store import AskedJob
from services.dispatcher.claims.store import claim as claim_jobs
from services.planner.resend import resend_chunk
from services.planner.store import lifecycle
from services.reporter.fold import fold
from shared.messages import Result, Results
from tests.support.consistency import check_consistency
from tests.support.mailing_rows import counts_of, outcomes_of, status_of
from tests.support.planner_steps import running_mailing

NOW = datetime.now(UTC)


class Round:
    """A mailing of four messages: one sent, one rejected, one exhausted after three attempts, one expired early."""

    def __init__(self, pool: asyncpg.Pool, mailing_id: int, rows: list[asyncpg.Record]) -> None:
        self.pool = pool
        self.mailing_id = mailing_id
        self._rows = rows
        self.sent, self.rejected, self.exhausted, self.expired = (row["id"] for row in rows)

    def result(self, message_id: int, number: int, status: str, **facts: Any) -> Result:
        usual: dict[str, Any] = {
            "message_id": message_id,
            "mailing_id": self.mailing_id,
            "client_id": next(row["client_id"] for row in self._rows if row["id"] == message_id),
            "number": number,
            "status": status,
            "outcome": {"sent": "accepted", "rejected": "refused"}.get(status, "server_error"),
            "started_at": NOW,
            "duration_ms": 10,
            "failed": status in {"retrying", "exhausted", "expired"},
            "reason": None if status in {"sent", "retrying"} else "HTTP",
        }
        if status == "retrying":
            usual |= {"queued": True, "due_at": NOW}
        return Result(**(usual | facts))

    async def fold(self, *results: Result) -> None:
        await fold(self.pool, [Results(results=list(results))])

    async def ask(self, *statuses: str) -> None:
        await self.pool.execute(
            "UPDATE mailings SET status = 'running', finished_at = NULL WHERE id = $1", self.mailing_id
        )
        await self.pool.execute(
            "INSERT INTO resends (mailing_id, statuses) VALUES ($1, $2::text[]::message_status[])",
            self.mailing_id,
            list(statuses),
        )

    async def resend(self, *statuses: str, size: int = 1000) -> None:
        await self.ask(*statuses)
        while await resend_chunk(self.pool, size):
            pass

    async def counts(self) -> dict[str, int]:
        await check_consistency(self.pool, self.mailing_id)
        return await counts_of(self.pool, self.mailing_id)

    async def flight(self, message_id: int) -> asyncpg.Record | None:
        return await self.pool.fetchrow("SELECT * FROM flights WHERE message_id = $1", message_id)

    async def claim(self, message_id: int, attempt: int) -> int:
        """Claims a job and returns the number that is sent."""
        (claim,) = await claim_jobs(self.pool, uuid4(), [AskedJob(message_id, attempt)])
        assert claim.verdict == "send"
        assert claim.failures == 0
        return claim.number


@pytest.fixture
async def first(pool: asyncpg.Pool) -> Round:
    mailing_id = await running_mailing(pool, 4)
    rows = await pool.fetch("SELECT id, client_id FROM messages ORDER BY id")
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, released_at, claimed_number)"
        " SELECT id, mailing_id, client_id, now(), 3 FROM messages"
    )
    made = Round(pool, mailing_id, rows)
    await made.fold(
        *(made.result(made.exhausted, number, "retrying") for number in (1, 2)),
        *(made.result(one, number, "retrying") for one in (made.rejected, made.expired) for number in (1, 2)),
        made.result(made.sent, 1, "retrying"),
        made.result(made.sent, 2, "retrying"),
    )
    await made.fold(
        made.result(made.sent, 3, "sent"),
        made.result(made.rejected, 3, "rejected"),
        made.result(made.exhausted, 3, "exhausted"),
        made.result(made.expired, 3, "expired"),
    )
    await lifecycle.finish_done(pool)
    return made


async def test_only_the_chosen_statuses_are_reopened_and_the_books_stay_exact(first: Round) -> None:
    assert await first.counts() == {"sent": 1, "rejected": 1, "exhausted": 1, "expired": 1}
    await first.resend("rejected", "exhausted")
    assert await first.counts() == {"sent": 1, "pending": 2, "expired": 1}
    assert await first.flight(first.expired) is None
    flight = await first.flight(first.exhausted)
    assert flight is not None
    assert (flight["claimed_number"], flight["folded_number"], flight["base_number"], flight["failures"]) == (
        3,
        3,
        3,
        0,
    )


async def test_a_resend_goes_on_chunk_by_chunk_and_looks_at_each_message_once(first: Round) -> None:
    await first.ask("rejected", "exhausted", "expired")
    chunks = 0
    while await resend_chunk(first.pool, 1):
        chunks += 1
        assert chunks < 10
    assert await first.counts() == {"sent": 1, "pending": 3}
    assert await first.pool.fetchval("SELECT count(*) FROM resends WHERE done_at IS NULL") == 0


async def test_a_message_that_fails_again_is_not_reopened_by_the_same_resend(first: Round) -> None:
    await first.ask("rejected")
    await resend_chunk(first.pool, 1)
    number = await first.claim(first.rejected, 4)
    await first.fold(first.result(first.rejected, number, "rejected", started_at=datetime.now(UTC)))
    while await resend_chunk(first.pool, 1):
        pass
    assert (await first.counts())["rejected"] == 1


async def test_a_new_round_counts_its_numbers_on_and_its_failures_anew(first: Round) -> None:
    await first.resend("exhausted")
    assert await first.claim(first.exhausted, 4) == 4
    await first.fold(first.result(first.exhausted, 4, "retrying"))
    flight = await first.flight(first.exhausted)
    assert flight is not None
    assert (flight["folded_number"], flight["failures"]) == (4, 1)
    await first.pool.execute("UPDATE flights SET failures = 0")
    assert await first.claim(first.exhausted, 5) == 5
    await first.fold(first.result(first.exhausted, 5, "sent"))
    assert await first.counts() == {"sent": 2, "rejected": 1, "expired": 1}
    numbers = await first.pool.fetch("SELECT number FROM attempts WHERE message_id = $1 ORDER BY 1", first.exhausted)
    assert [row["number"] for row in numbers] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("status", ["rejected", "exhausted", "expired", "retrying"])
async def test_a_late_result_of_the_round_before_does_not_end_the_new_one(first: Round, status: str) -> None:
    await first.resend("exhausted")
    await first.fold(first.result(first.exhausted, 3, status), first.result(first.exhausted, 2, status))
    assert (await first.counts())["pending"] == 1
    flight = await first.flight(first.exhausted)
    assert flight is not None
    assert (flight["folded_number"], flight["failures"]) == (3, 0)
    assert await first.claim(first.exhausted, 4) == 4


async def test_a_late_success_of_the_round_before_ends_the_new_one(first: Round) -> None:
    # Number 3 was recorded as lost; it arrived after all.
    await first.pool.execute("UPDATE attempts SET outcome = 'lost' WHERE message_id = $1 AND number = 3", first.expired)
    await first.pool.execute("UPDATE outcomes SET count = count - 1 WHERE outcome = 'server_error'")
    await first.pool.execute("INSERT INTO outcomes VALUES ($1, 'lost', 1)", first.mailing_id)
    await first.resend("expired")
    await first.fold(first.result(first.expired, 3, "sent"))
    assert await first.counts() == {"sent": 2, "rejected": 1, "exhausted": 1}
    assert (await outcomes_of(first.pool, first.mailing_id)).get("lost") is None


async def test_a_message_with_an_attempt_under_way_is_left_alone_until_that_counts_as_lost(first: Round) -> None:
    # A stale claim was taken over as number 4; then number 3 came back after all, and made the message final.
    pool, message_id = first.pool, first.rejected
    await pool.execute("UPDATE messages SET attempts = 4 WHERE id = $1", message_id)
    await first.resend("rejected")
    assert (await first.counts())["rejected"] == 1
    await pool.execute("UPDATE fence SET folded_at = now()")
    await pool.execute("UPDATE messages SET final_at = now() - interval '2 min' WHERE id = $1", message_id)
    await first.resend("rejected")
    assert (await first.counts())["pending"] == 1
    assert await first.claim(message_id, 5) == 5
    assert (await outcomes_of(pool, first.mailing_id))["lost"] == 1


async def test_a_message_made_final_by_an_older_claim_keeps_the_number_of_the_open_one(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 1)
    rows = await pool.fetch("SELECT id, client_id FROM messages")
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, released_at, claimed_number)"
        " SELECT id, mailing_id, client_id, now(), 2 FROM messages"
    )
    made = Round(pool, mailing_id, rows * 4)
    await made.fold(made.result(made.sent, 1, "rejected"))
    assert await pool.fetchval("SELECT attempts FROM messages") == 2
    await made.resend("rejected")
    assert await counts_of(pool, mailing_id) == {"rejected": 1}
    await made.fold(made.result(made.sent, 2, "rejected"))
    await made.resend("rejected")
    assert await counts_of(pool, mailing_id) == {"pending": 1}
    await check_consistency(pool, mailing_id)


async def test_a_deleted_client_is_skipped(first: Round) -> None:
    await first.pool.execute(
        "UPDATE clients SET phone = NULL, deleted_at = now() WHERE id = (SELECT client_id FROM messages WHERE id = $1)",
        first.rejected,
    )
    await first.resend("rejected", "exhausted")
    assert await first.counts() == {"sent": 1, "rejected": 1, "pending": 1, "expired": 1}


@pytest.mark.parametrize("over", ["status = 'cancelled'", "end_at = start_at + interval '1 ms'"])
async def test_nothing_is_reopened_after_a_cancel_or_the_end(first: Round, over: str) -> None:
    await first.ask("rejected", "exhausted")
    await first.pool.execute(f"UPDATE mailings SET {over}")
    assert await resend_chunk(first.pool)
    assert not await resend_chunk(first.pool)
    assert await first.counts() == {"sent": 1, "rejected": 1, "exhausted": 1, "expired": 1}


async def test_a_mailing_is_not_finished_while_a_resend_is_open(first: Round) -> None:
    await first.ask("rejected")
    assert await lifecycle.finish_done(first.pool) == []
    while await resend_chunk(first.pool):
        pass
    assert await lifecycle.finish_done(first.pool) == []
    number = await first.claim(first.rejected, 4)
    await first.fold(first.result(first.rejected, number, "sent"))
    assert [row[0] for row in await lifecycle.finish_done(first.pool)] == [first.mailing_id]
    assert await status_of(first.pool, first.mailing_id) == "finished"


async def test_single_messages_are_reopened_by_their_ids(first: Round) -> None:
    await first.pool.execute(
        "INSERT INTO resends (mailing_id, statuses, message_ids) VALUES ($1, '{}', $2)",
        first.mailing_id,
        [first.exhausted, first.sent],
    )
    await first.pool.execute("UPDATE mailings SET status = 'running', finished_at = NULL")
    while await resend_chunk(first.pool):
        pass
    assert await first.counts() == {"sent": 1, "pending": 1, "rejected": 1, "expired": 1}


async def test_two_planners_share_the_resends(first: Round) -> None:
    for _ in range(3):
        await first.ask("rejected", "exhausted", "expired")

    async def planner() -> None:
        async with asyncio.timeout(20):
            while await resend_chunk(first.pool, 1):
                pass

    await asyncio.gather(planner(), planner(), planner())
    assert await first.counts() == {"sent": 1, "pending": 3}
    assert await first.pool.fetchval("SELECT max(due_at) - min(due_at) FROM flights") < timedelta(seconds=30)
