"""The fold, against a real PostgreSQL: idempotent, free of order, exact."""

import asyncio
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from msgspec import structs

from services.planner.store.releases import mark_released, take_waiting
from services.reporter.fold import fold
from services.reporter.handler import Handler
from services.reporter.metrics import Metrics
from services.reporter.tally import UnknownMessage
from shared.messages import Result, Results, encode
from shared.metrics import new_registry
from tests.support.consistency import check_consistency
from tests.support.mailing_rows import add_clients, add_mailing, counts_of, outcomes_of
from tests.support.polling import until

NOW = datetime.now(UTC)


class RecordedDelivery:
    """A delivery that remembers what was done with it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.redelivered = False
        self.alive = True
        self.done = ""

    def ack(self) -> None:
        assert not self.done
        self.done = "ack"

    def reject(self) -> None:
        assert not self.done
        self.done = "reject"


class Fleet:
    """Messages of one running mailing, all claimed."""

    def __init__(self, pool: asyncpg.Pool, mailing_id: int, rows: list[asyncpg.Record]) -> None:
        self.pool = pool
        self.mailing_id = mailing_id
        self._rows = rows

    def result(self, place: int = 0, **facts: Any) -> Result:
        row = self._rows[place]
        given: dict[str, Any] = {
            "number": 1,
            "status": "sent",
            "outcome": "accepted",
            "started_at": NOW,
            "duration_ms": 30,
        }
        if facts.get("status", "sent") == "retrying":
            given |= {"outcome": "server_error", "http_status": 500, "failed": True, "queued": True}
            given |= {"due_at": NOW + timedelta(seconds=5)}
        ids = {"message_id": row["id"], "mailing_id": self.mailing_id, "client_id": row["client_id"]}
        return Result(**(given | facts | ids))

    async def claim(self, number: int) -> None:
        await self.pool.execute("UPDATE flights SET claimed_number = $1, claimed_at = now()", number)

    async def fold(self, *results: Result, fence: datetime | None = None) -> dict[str, int]:
        return (await fold(self.pool, [Results(results=list(results), fence=fence)])).moved

    async def flight(self) -> asyncpg.Record | None:
        return await self.pool.fetchrow("SELECT * FROM flights ORDER BY message_id LIMIT 1")

    async def attempts(self) -> list[tuple[int, str]]:
        rows = await self.pool.fetch("SELECT number, outcome FROM attempts ORDER BY message_id, number")
        return [(row["number"], row["outcome"]) for row in rows]

    async def waits_for_a_lock(self) -> bool:
        value: bool = await self.pool.fetchval(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return value

    async def counts(self) -> dict[str, int]:
        await check_consistency(self.pool, self.mailing_id)
        return await counts_of(self.pool, self.mailing_id)


@pytest.fixture
async def fleet(pool: asyncpg.Pool) -> Fleet:
    client_ids = await add_clients(pool, 5)
    mailing_id = await add_mailing(pool)
    await pool.execute("UPDATE mailings SET status = 'running', started_at = now()")
    rows = await pool.fetch(
        "INSERT INTO messages (mailing_id, client_id) SELECT $1, unnest($2::bigint[]) RETURNING id, client_id",
        mailing_id,
        client_ids,
    )
    await pool.execute("UPDATE mailing_counts SET total = 5, pending = 5")
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, released_at, claimed_number)"
        " SELECT id, mailing_id, client_id, now(), 1 FROM messages"
    )
    return Fleet(pool, mailing_id, rows)


async def test_a_first_try_success_is_held_by_the_message_itself(fleet: Fleet) -> None:
    assert await fleet.fold(fleet.result()) == {"sent": 1}
    row = await fleet.pool.fetchrow("SELECT * FROM messages WHERE status = 'sent'")
    assert row is not None
    assert (row["attempts"], row["duration_ms"], row["started_at"]) == (1, 30, NOW)
    assert row["final_at"] == NOW + timedelta(milliseconds=30)
    assert await fleet.attempts() == []
    assert await fleet.counts() == {"pending": 4, "sent": 1}


async def test_a_redelivered_result_is_counted_once(fleet: Fleet) -> None:
    results = [
        fleet.result(0),
        fleet.result(1, status="retrying"),
        fleet.result(2, status="rejected", reason="HTTP 400"),
    ]
    for _ in range(3):
        await fleet.fold(*results)
    assert await fleet.counts() == {"pending": 2, "retrying": 1, "sent": 1, "rejected": 1}
    assert await outcomes_of(fleet.pool, fleet.mailing_id) == {"accepted": 2, "server_error": 1}


async def test_a_failure_moves_the_flight_on(fleet: Fleet) -> None:
    await fleet.fold(fleet.result(status="retrying"))
    flight = await fleet.flight()
    assert flight is not None
    assert (flight["folded_number"], flight["failures"]) == (1, 1)
    assert flight["due_at"] == NOW + timedelta(seconds=5)
    assert flight["released_at"] is not None


async def test_a_retry_that_waits_in_the_table_is_released_by_the_planner(fleet: Fleet) -> None:
    await fleet.fold(fleet.result(status="retrying", queued=False))
    flight = await fleet.flight()
    assert flight is not None
    assert flight["released_at"] is None


async def test_a_queued_retry_is_released_though_the_planner_had_not_marked_the_job_before_it(fleet: Fleet) -> None:
    await fleet.pool.execute(
        "UPDATE flights SET released_at = NULL WHERE message_id = (SELECT min(message_id) FROM flights)"
    )
    await fleet.fold(fleet.result(status="retrying", due_at=NOW))
    flight = await fleet.flight()
    assert flight is not None
    assert flight["released_at"] is not None
    # The planner says so now, and releases nothing: a second job of the same attempt would only die in the claim.
    await mark_released(fleet.pool, [flight["message_id"]], datetime.now(UTC))
    owner = uuid4()
    await fleet.pool.execute("UPDATE mailing_work SET owner = $1", owner)
    assert (await take_waiting(fleet.pool, owner, {fleet.mailing_id: 1})).flights == []


async def test_a_queued_retry_that_was_put_back_before_its_result_waits_in_the_table(fleet: Fleet) -> None:
    # Its job is gone from the broker: the mailing was paused when it came.
    await fleet.pool.execute("UPDATE flights SET released_at = NULL, asked_number = 2")
    await fleet.fold(fleet.result(status="retrying", due_at=NOW))
    flight = await fleet.flight()
    assert flight is not None
    assert flight["released_at"] is None


async def test_a_late_result_does_not_move_the_times_of_a_newer_claim(fleet: Fleet) -> None:
    await fleet.claim(2)
    await fleet.pool.execute("UPDATE flights SET due_at = $1", NOW)
    await fleet.fold(fleet.result(status="retrying", queued=False))
    flight = await fleet.flight()
    assert flight is not None
    assert (flight["folded_number"], flight["due_at"]) == (1, NOW)
    assert flight["released_at"] is not None


async def test_a_skipped_number_is_recorded_as_lost(fleet: Fleet) -> None:
    await fleet.claim(3)
    await fleet.fold(fleet.result(number=3))
    assert await fleet.attempts() == [(1, "lost"), (2, "lost"), (3, "accepted")]
    assert (await fleet.counts())["sent"] == 1


async def test_a_lost_attempt_gives_way_to_its_result_when_that_comes_after_all(fleet: Fleet) -> None:
    await fleet.claim(2)
    await fleet.fold(fleet.result(number=2, status="retrying"))
    await fleet.fold(fleet.result(number=1))
    assert await fleet.attempts() == [(1, "accepted"), (2, "server_error")]
    assert await fleet.counts() == {"pending": 4, "sent": 1}


async def test_a_late_success_wins_over_any_final_status(fleet: Fleet) -> None:
    await fleet.claim(2)
    await fleet.fold(fleet.result(status="rejected", outcome="refused", reason="HTTP 400"))
    await fleet.fold(fleet.result(number=2))
    assert await fleet.counts() == {"pending": 4, "sent": 1}


async def test_a_late_failure_changes_no_final_status(fleet: Fleet) -> None:
    await fleet.claim(2)
    await fleet.fold(fleet.result())
    await fleet.fold(fleet.result(number=2, status="rejected", outcome="refused", reason="HTTP 400"))
    assert await fleet.counts() == {"pending": 4, "sent": 1}
    assert await fleet.attempts() == [(2, "refused")]


@pytest.mark.parametrize("outcome", ["timeout", "broken", "server_error", "unreachable"])
async def test_a_message_that_ends_unsent_has_that_reason_where_the_provider_may_have_it(
    fleet: Fleet, outcome: str
) -> None:
    await fleet.claim(2)
    await fleet.fold(fleet.result(status="retrying", outcome=outcome))
    await fleet.fold(fleet.result(number=2, status="exhausted", outcome="server_error", reason="HTTP 500"))
    reason = await fleet.pool.fetchval("SELECT reason FROM messages WHERE status = 'exhausted'")
    assert reason == ("outcome unknown" if outcome in {"timeout", "broken"} else "HTTP 500")
    assert await fleet.counts() == {"pending": 4, "exhausted": 1}


async def test_a_result_of_an_attempt_that_was_never_made_changes_no_final_message(fleet: Fleet) -> None:
    await fleet.fold(fleet.result(status="rejected", outcome="refused", reason="HTTP 400"))
    for number in (2, 2**31 - 1):
        with pytest.raises(UnknownMessage):
            await fleet.fold(fleet.result(number=number))
    assert await fleet.counts() == {"pending": 4, "rejected": 1}


async def test_a_first_success_that_was_never_claimed_is_refused(fleet: Fleet) -> None:
    await fleet.claim(0)
    with pytest.raises(UnknownMessage):
        await fleet.fold(fleet.result())
    assert await fleet.counts() == {"pending": 5}


async def test_a_fence_of_the_future_is_not_believed(fleet: Fleet) -> None:
    await fleet.fold(fence=NOW)
    await fleet.fold(fence=NOW + timedelta(days=1))
    assert await fleet.pool.fetchval("SELECT folded_at FROM fence") == NOW


async def test_any_order_and_any_repetition_come_to_the_same(fleet: Fleet) -> None:
    await fleet.claim(3)
    results = [
        fleet.result(0, number=1, status="retrying"),
        fleet.result(0, number=2, status="retrying"),
        fleet.result(0, number=3),
        fleet.result(1, number=1),
        fleet.result(2, number=1, status="retrying"),
        fleet.result(2, number=2, status="exhausted", outcome="timeout", reason="no reply in time", failed=True),
    ] * 3
    random.Random(7).shuffle(results)
    for size in (1, 2, 3, 4, 5, 3):
        await fleet.fold(*results[:size])
        results = results[size:]
    assert await fleet.counts() == {"pending": 2, "sent": 2, "exhausted": 1}
    assert await outcomes_of(fleet.pool, fleet.mailing_id) == {"accepted": 2, "server_error": 3, "timeout": 1}


async def test_the_fence_is_stored_with_what_came_before_it(fleet: Fleet) -> None:
    await fleet.fold(fleet.result(), fence=NOW)
    row = await fleet.pool.fetchrow("SELECT * FROM fence")
    assert row is not None
    assert (row["folded_at"], row["results"]) == (NOW, 1)
    await fleet.fold(fence=NOW - timedelta(seconds=5))
    assert await fleet.pool.fetchval("SELECT folded_at FROM fence") == NOW


async def test_nothing_of_a_batch_with_an_unknown_message_is_folded(fleet: Fleet) -> None:
    stranger = structs.replace(fleet.result(), message_id=10**9)
    with pytest.raises(UnknownMessage):
        await fleet.fold(fleet.result(), stranger)
    assert await fleet.counts() == {"pending": 5}


async def test_only_what_cannot_be_folded_is_dead_lettered(fleet: Fleet) -> None:
    stranger = structs.replace(fleet.result(), message_id=10**9)
    never_claimed = fleet.result(3, number=2**31 - 1)
    # In UTC this is before the first moment that PostgreSQL takes from us.
    too_early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    # Its message is known, and so is what became of it: it is folded in its least form.
    unfit = structs.replace(fleet.result(4), started_at=too_early)
    bodies = [
        encode(Results(results=[fleet.result(0)])),
        b"\xff not JSON",
        encode(Results(results=[fleet.result(1), stranger, never_claimed, unfit])),
        encode(Results(results=[fleet.result(2)], fence=NOW)),
    ]
    deliveries = [RecordedDelivery(body) for body in bodies]
    await Handler(fleet.pool, Metrics(new_registry())).handle(deliveries)  # type: ignore[arg-type]
    assert [delivery.done for delivery in deliveries] == ["ack", "reject", "reject", "ack"]
    assert await fleet.counts() == {"pending": 1, "sent": 4}
    assert await fleet.attempts() == [(1, "unreadable")]
    assert await fleet.pool.fetchval("SELECT folded_at FROM fence") == NOW


@pytest.mark.parametrize(
    "damage",
    [
        {"started_at": datetime.max.replace(tzinfo=UTC)},
        {"started_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))},
        {"started_at": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))},
        {"detail": "a\0b"},
        {"reason": "a\0b"},
        {"due_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))},
    ],
    ids=["year 9999", "year 10000", "year 0", "NUL in a detail", "NUL in a reason", "due in year 10000"],
)
@pytest.mark.parametrize("status", ["retrying", "rejected", "exhausted", "sent"])
async def test_a_damaged_result_closes_its_claim_and_holds_nothing_up(
    fleet: Fleet, status: str, damage: dict[str, Any]
) -> None:
    await fleet.claim(2)
    bad = structs.replace(fleet.result(0, status=status, number=2, reason="HTTP 400"), **damage)
    delivery = RecordedDelivery(encode(Results(results=[bad, fleet.result(1)])))
    fence = RecordedDelivery(encode(Results(fence=NOW)))
    await Handler(fleet.pool, Metrics(new_registry())).handle([delivery, fence])  # type: ignore[list-item]
    # A success needs neither a reason nor a moment of a next attempt, but what is wrong in them is wrong all the same.
    assert (delivery.done, fence.done) in {("reject", "ack"), ("ack", "ack")}
    counts = await fleet.counts()
    assert (counts.pop(status) if status != "sent" else counts["sent"] - 1) == 1
    assert counts["sent"] in {1, 2}
    flight = await fleet.pool.fetchrow("SELECT * FROM flights WHERE message_id = $1", bad.message_id)
    assert flight is None or flight["claimed_number"] == flight["folded_number"] == 2
    assert await fleet.pool.fetchval("SELECT folded_at FROM fence") == NOW


async def test_a_body_that_is_readable_in_part_is_folded_in_part(fleet: Fleet) -> None:
    raw = encode(Results(results=[fleet.result(0), fleet.result(1, status="retrying")]))
    raw = raw.replace(b'"outcome":"server_error"', b'"outcome":"conquered"')
    delivery = RecordedDelivery(raw)
    await Handler(fleet.pool, Metrics(new_registry())).handle([delivery])  # type: ignore[list-item]
    assert delivery.done == "reject"
    assert await fleet.counts() == {"pending": 3, "sent": 1, "retrying": 1}
    assert await outcomes_of(fleet.pool, fleet.mailing_id) == {"accepted": 1, "unreadable": 1}


async def test_what_ends_a_message_unsent_has_a_reason(fleet: Fleet) -> None:
    await fleet.fold(fleet.result(status="rejected"))
    assert await fleet.pool.fetchval("SELECT reason FROM messages WHERE status = 'rejected'") == "no reason given"


@pytest.mark.parametrize("status", ["sent", "rejected"])
async def test_a_redelivered_result_does_not_end_a_round_that_begins_while_it_waits(fleet: Fleet, status: str) -> None:
    """A statement that waits for a message's lock sees the flights of before the wait, and so the round before."""
    first = fleet.result(status="rejected", reason="HTTP 400")
    await fleet.fold(first)
    again = first if status == "rejected" else fleet.result(status="exhausted", reason="HTTP 500")
    async with fleet.pool.acquire() as planner:
        resend = planner.transaction()
        await resend.start()
        await planner.fetchval("SELECT reopen($1::bigint[])", [first.message_id])
        folding = asyncio.create_task(fleet.fold(again))
        await until(fleet.waits_for_a_lock, 10)
        await resend.commit()
    assert await folding == {}
    assert await fleet.counts() == {"pending": 5}
    flight = await fleet.flight()
    assert flight is not None
    assert (flight["base_number"], flight["folded_number"]) == (1, 1)


async def test_first_tries_are_folded_in_bulk_and_what_has_a_past_the_longer_way(fleet: Fleet) -> None:
    await fleet.fold(fleet.result(0, status="retrying"))
    await fleet.pool.execute("UPDATE flights SET claimed_number = 2 WHERE folded_number = 1")
    batch = [fleet.result(0), fleet.result(1), fleet.result(2), fleet.result(2), fleet.result(3, status="retrying")]
    # The first attempt of the first message failed, and a success under its number changes nothing on record.
    assert await fleet.fold(*batch, fence=NOW) == {"sent": 3, "retrying": 1}
    assert await fleet.counts() == {"pending": 1, "retrying": 1, "sent": 3}
    assert await outcomes_of(fleet.pool, fleet.mailing_id) == {"accepted": 2, "server_error": 2}
    assert await fleet.pool.fetchval("SELECT folded_at FROM fence") == NOW


async def test_a_fence_never_passes_a_result_that_cannot_be_folded(fleet: Fleet) -> None:
    stranger = structs.replace(fleet.result(), message_id=10**9)
    with pytest.raises(UnknownMessage):
        await fleet.fold(stranger, fence=NOW)
    assert await fleet.pool.fetchval("SELECT folded_at = '-infinity' FROM fence")


async def test_settling_as_sent_touches_no_index(fleet: Fleet) -> None:
    before = await count_updates(fleet)
    await fleet.fold(*(fleet.result(place) for place in range(5)))
    after = await count_updates(fleet)
    assert [now - then for now, then in zip(after, before, strict=True)] == [5, 5]


async def count_updates(fleet: Fleet) -> tuple[int, int]:
    """Counts the updates of messages, and those that touched no index."""
    for connection in await asyncio.gather(*(fleet.pool.acquire() for _ in range(fleet.pool.get_size()))):
        await connection.execute("SELECT pg_stat_force_next_flush()")
        await fleet.pool.release(connection)
    row = await fleet.pool.fetchrow("SELECT * FROM pg_stat_user_tables WHERE relname = 'messages'")
    assert row is not None
    return row["n_tup_upd"], row["n_tup_hot_upd"]
