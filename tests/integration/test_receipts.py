"""Receipts, against a real PostgreSQL: before and after their results, doubled, in any order, for ids nobody knows."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from services.planner.resend import resend_chunk
from services.reporter.metrics import Metrics
from services.reporter.receipts.fold import MOST_WAITS, STRANGE, TOO_EARLY, FoldedReceipts, fold
from services.reporter.receipts.handler import ReceiptHandler
from shared import topology
from shared.broker import Outgoing
from shared.messages import Receipt, Receipts, Result, decode, encode
from shared.metrics import new_registry
from tests.integration.test_fold import Fleet, RecordedDelivery, fleet
from tests.support.consistency import check_consistency

__all__ = ["fleet"]
NOW = datetime.now(UTC)


class RecordingPublisher:
    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.away = False

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        if self.away:
            return [False for _ in outgoings]
        self.published += outgoings
        return [True for _ in outgoings]


def accepted(fleet: Fleet, place: int = 0, **over: Any) -> Result:
    return fleet.result(place, **{"provider": "smsc", "provider_id": f"id-{place}", "http_status": 200} | over)


def a_body(*receipts: Receipt, waits: int = 0) -> Receipts:
    return Receipts(provider="smsc", received_at=NOW + timedelta(seconds=20), receipts=list(receipts), waits=waits)


def a_receipt(fleet: Fleet, delivery: Any = "delivered", place: int = 0, **over: Any) -> Receipt:
    seen = fleet.result(place).message_id
    return Receipt(**{"message_id": seen, "delivery": delivery, "at": NOW + timedelta(seconds=10)} | over)


async def take(fleet: Fleet, *receipts: Receipt, waits: int = 0) -> FoldedReceipts:
    done = await fold(fleet.pool, [a_body(*receipts, waits=waits)])
    await check_consistency(fleet.pool, fleet.mailing_id)
    return done


async def deliveries(pool: asyncpg.Pool) -> list[tuple[str, str]]:
    rows = await pool.fetch("SELECT delivery, reason FROM deliveries ORDER BY message_id")
    return [(row["delivery"], row["reason"]) for row in rows]


async def delivery_counts(pool: asyncpg.Pool) -> dict[str, int]:
    rows = await pool.fetch("SELECT delivery, sum(count)::int AS n FROM delivery_counts WHERE count > 0 GROUP BY 1")
    return {row["delivery"]: row["n"] for row in rows}


async def test_a_receipt_is_counted_once_and_its_time_to_the_handset_with_it(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet))
    for _ in range(3):
        await take(fleet, a_receipt(fleet))
    assert await deliveries(fleet.pool) == [("delivered", "")]
    assert await delivery_counts(fleet.pool) == {"delivered": 1}
    assert await fleet.pool.fetchval("SELECT sum(count) FROM delivery_times") == 1


async def test_receipts_in_any_order_come_to_the_same(fleet: Fleet) -> None:
    await fleet.fold(*(accepted(fleet, place) for place in range(5)))
    receipts = [
        receipt
        for place in range(5)
        for receipt in (
            a_receipt(fleet, "waiting", place),
            a_receipt(fleet, "undelivered", place, reason="6"),
            *([a_receipt(fleet, "delivered", place)] if place % 2 else []),
        )
    ]
    chosen = random.Random(7).sample(receipts * 2, 2 * len(receipts))
    for first in range(0, len(chosen), 4):
        await take(fleet, *chosen[first : first + 4])
    assert await deliveries(fleet.pool) == [
        ("undelivered", "6") if place % 2 == 0 else ("delivered", "") for place in range(5)
    ]


async def test_a_receipt_that_came_before_its_result_waits(fleet: Fleet) -> None:
    early = a_receipt(fleet)
    done = await take(fleet, early)
    assert await deliveries(fleet.pool) == []
    assert [body.waits for body in done.waiting] == [1]
    await fleet.fold(accepted(fleet))
    await fold(fleet.pool, done.waiting)
    assert await deliveries(fleet.pool) == [("delivered", "")]


async def test_a_receipt_by_the_providers_id_waits_for_the_result_that_names_it(fleet: Fleet) -> None:
    by_id = Receipt(provider_id="id-0", delivery="undelivered", reason="absent")
    assert (await take(fleet, by_id)).waiting
    await fleet.fold(accepted(fleet))
    assert not (await take(fleet, by_id)).waiting
    assert await deliveries(fleet.pool) == [("undelivered", "absent")]


async def test_a_receipt_does_not_wait_for_ever(fleet: Fleet) -> None:
    done = await take(fleet, a_receipt(fleet), waits=MOST_WAITS)
    assert [reason for _, reason in done.dead] == [TOO_EARLY]


async def test_a_receipt_for_a_message_of_nobody_or_of_another_provider_is_dead_lettered(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet, provider="smsru"))
    done = await take(fleet, Receipt(message_id=2**62, delivery="delivered"), a_receipt(fleet))
    ((body, reason),) = done.dead
    assert (len(body.receipts), reason) == (2, STRANGE)
    assert await deliveries(fleet.pool) == []


@pytest.mark.parametrize("delivery", ["delivered", "undelivered"])
async def test_a_receipt_turns_an_unknown_outcome_into_sent(fleet: Fleet, delivery: str) -> None:
    lost = accepted(
        fleet,
        status="exhausted",
        outcome="timeout",
        reason="outcome unknown: no reply in time",
        provider_id=None,
        unsure=True,
    )
    await fleet.fold(lost)
    assert (await fleet.counts())["exhausted"] == 1
    for _ in range(2):
        await take(fleet, a_receipt(fleet, delivery))
    assert await fleet.counts() == {"pending": 4, "sent": 1}
    assert await delivery_counts(fleet.pool) == {delivery: 1, "proved": 1}


@pytest.mark.parametrize("status", ["expired", "exhausted", "cancelled"])
async def test_a_receipt_proves_an_attempt_that_was_not_the_last(fleet: Fleet, status: str) -> None:
    """The second attempt was not taken, and the mailing ended; then the provider tells that it took the first."""
    await fleet.fold(accepted(fleet, status="retrying", outcome="timeout", provider_id=None, unsure=True))
    await fleet.pool.execute("DELETE FROM flights WHERE message_id = $1", accepted(fleet).message_id)
    await fleet.pool.execute(
        "UPDATE messages SET status = $2, reason = 'deadline', final_at = now() WHERE id = $1",
        accepted(fleet).message_id,
        status,
    )
    await fleet.pool.execute(f"UPDATE mailing_counts SET retrying = retrying - 1, {status} = {status} + 1")
    await take(fleet, a_receipt(fleet))
    assert await fleet.counts() == {"pending": 4, "sent": 1}


async def test_a_receipt_between_two_attempts_ends_the_retrying(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet, status="retrying", outcome="timeout", provider_id=None, unsure=True))
    await take(fleet, a_receipt(fleet))
    assert await fleet.counts() == {"pending": 4, "sent": 1}
    assert await fleet.pool.fetchval("SELECT count(*) FROM flights") == 4


async def test_a_receipt_of_a_provider_that_refused_proves_nothing_of_another(fleet: Fleet) -> None:
    """SMSC gives an id to what it refuses, and may send a receipt for it; vonage may have taken the message."""
    await fleet.fold(accepted(fleet, status="retrying", outcome="refused", refused=True))
    await fleet.claim(2)
    unknown = accepted(fleet, status="exhausted", outcome="timeout", reason="outcome unknown: no reply in time")
    await fleet.fold(replace(unknown, number=2, provider="vonage", provider_id=None, unsure=True))
    assert (await take(fleet, a_receipt(fleet, "undelivered"))).unsent == 1
    assert (await fleet.counts())["exhausted"] == 1


async def test_a_receipt_of_a_refused_message_changes_nothing(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet, status="rejected", outcome="refused", reason="number refused"))
    done = await take(fleet, a_receipt(fleet, "undelivered"))
    assert done.unsent == 1
    assert await deliveries(fleet.pool) == []


async def test_who_opts_out_is_noted_once(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet))
    for _ in range(2):
        await take(fleet, a_receipt(fleet, "undelivered", opt_out=True))
    assert await fleet.pool.fetchval("SELECT provider FROM opt_outs") == "smsc"


async def test_undelivered_messages_are_sent_again_and_tell_their_story_in_full(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet, 0), accepted(fleet, 1))
    await take(fleet, a_receipt(fleet, "undelivered", 0, reason="6"), a_receipt(fleet, "delivered", 1))
    await fleet.pool.execute(
        "INSERT INTO resends (mailing_id, statuses, delivery) VALUES ($1, '{}', '{undelivered}')", fleet.mailing_id
    )
    while await resend_chunk(fleet.pool, 10):
        pass
    assert await fleet.counts() == {"pending": 4, "sent": 1}
    assert await deliveries(fleet.pool) == [("delivered", "")]
    assert await fleet.attempts() == [(1, "accepted")]
    # The first success is folded once more: it says nothing of the new round.
    await fleet.fold(accepted(fleet, 0))
    assert await fleet.counts() == {"pending": 4, "sent": 1}
    await fleet.pool.execute("UPDATE flights SET claimed_number = 2 WHERE claimed_number = 1 AND resent")
    await fleet.fold(accepted(fleet, 0, number=2, provider_id="id-again"))
    await take(fleet, Receipt(provider_id="id-again", delivery="delivered"))
    assert await fleet.counts() == {"pending": 3, "sent": 2}
    assert await fleet.attempts() == [(1, "accepted"), (2, "accepted")]
    assert await delivery_counts(fleet.pool) == {"delivered": 2, "resent": 1}


async def test_a_planner_that_knows_no_resend_by_delivery_does_not_close_it(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet, 0))
    await take(fleet, a_receipt(fleet, "undelivered", 0))
    await fleet.pool.execute(
        "INSERT INTO resends (mailing_id, statuses, delivery) VALUES ($1, '{}', '{undelivered}')", fleet.mailing_id
    )
    # What a planner says that looks for statuses and finds none.
    done = "UPDATE resends SET statuses = '{}', cursor = 0, done_at = clock_timestamp()"
    await fleet.pool.execute(done)
    assert await fleet.pool.fetchval("SELECT done_at IS NULL FROM resends")
    while await resend_chunk(fleet.pool, 10):
        pass
    assert await fleet.counts() == {"pending": 5}
    assert await fleet.pool.fetchval("SELECT done_at IS NOT NULL FROM resends")


async def test_a_body_is_acknowledged_once_what_follows_from_it_is_published(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet))
    publisher = RecordingPublisher()
    handler = ReceiptHandler(fleet.pool, publisher, Metrics(new_registry()).receipts)
    strange = Receipt(message_id=2**62, delivery="delivered")
    mixed = RecordedDelivery(encode(a_body(a_receipt(fleet), a_receipt(fleet, place=1), strange)))
    damaged = RecordedDelivery(b"{")
    await handler.handle([mixed, damaged])  # type: ignore[list-item]
    assert (mixed.done, damaged.done) == ("ack", "reject")
    wait, dead = publisher.published
    assert (wait.exchange, wait.routing_key) == (topology.RECEIPTS, topology.RECEIPT_RETRY_KEY)
    assert [one.message_id for one in decode(Receipts, wait.body).receipts] == [a_receipt(fleet, place=1).message_id]
    assert (dead.routing_key, dead.headers["reason"]) == (topology.REPORTER_DEAD, STRANGE)


async def test_one_receipt_that_cannot_be_folded_holds_up_no_other(fleet: Fleet) -> None:
    await fleet.fold(accepted(fleet))
    publisher = RecordingPublisher()
    handler = ReceiptHandler(fleet.pool, publisher, Metrics(new_registry()).receipts)
    # PostgreSQL knows no NUL in a text.
    wrong = Receipt(provider_id="a\x00b", delivery="delivered")
    await handler.handle([RecordedDelivery(encode(a_body(wrong, a_receipt(fleet))))])  # type: ignore[list-item]
    assert await deliveries(fleet.pool) == [("delivered", "")]
    assert [one.routing_key for one in publisher.published] == [topology.REPORTER_DEAD]


class UncertainPool:
    """A pool that cannot be reached the first times."""

    def __init__(self, pool: asyncpg.Pool, failures: int) -> None:
        self._pool = pool
        self._failures = failures

    def acquire(self) -> Any:
        self._failures -= 1
        if self._failures >= 0:
            raise ConnectionRefusedError
        return self._pool.acquire()


async def test_receipts_outlive_an_outage_of_the_database_and_of_the_broker(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = RecordingPublisher()
    monkeypatch.setattr("services.reporter.receipts.handler.Backoff", lambda: NoWait(publisher))
    await fleet.fold(accepted(fleet))
    publisher.away = True
    handler = ReceiptHandler(UncertainPool(fleet.pool, 2), publisher, Metrics(new_registry()).receipts)  # type: ignore[arg-type]
    delivery = RecordedDelivery(encode(a_body(a_receipt(fleet), a_receipt(fleet, place=1))))
    await handler.handle([delivery])  # type: ignore[list-item]
    assert delivery.done == "ack"
    assert await deliveries(fleet.pool) == [("delivered", "")]
    assert len(publisher.published) == 1


class NoWait:
    """A pause without a length, after the fourth of which the broker is back."""

    def __init__(self, publisher: RecordingPublisher) -> None:
        self._publisher = publisher
        self._pauses = 0

    def next(self) -> float:
        self._pauses += 1
        self._publisher.away = self._pauses < 4
        return 0.0
