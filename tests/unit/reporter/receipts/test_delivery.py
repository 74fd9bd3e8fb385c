"""What a receipt does to its message, as tables."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.reporter.receipts.delivery import DeliveryState, ReceiptFacts, advance, judge
from shared.messages import Receipt
from shared.providers.delivery_times import LAST_BUCKET, bucket_of, percentile, seconds_of
from tests.support.builders import NOON

FACTS = ReceiptFacts(1, 7, 3, "999", "sent", None, 1, NOON, frozenset({"smsc"}), False, False, None, None)


@pytest.mark.parametrize(
    ("facts", "fate"),
    [
        ({}, "fold"),
        # Of another provider, with the right token of its own.
        ({"providers": frozenset({"smsru"})}, "strange"),
        # It came before the result of its send.
        ({"status": "pending", "open": True}, "wait"),
        ({"status": "retrying", "open": True, "unsure": True}, "wait"),
        ({"status": "retrying"}, "wait"),
        # The attempt ended without an answer; its retry is not on its way yet.
        ({"status": "retrying", "unsure": True}, "prove"),
        ({"status": "exhausted", "reason": "outcome unknown: no reply in time"}, "prove"),
        ({"status": "expired", "reason": "outcome unknown"}, "prove"),
        ({"status": "rejected", "reason": "number refused"}, "unsent"),
    ],
)
def test_a_receipt_is_judged_by_what_is_known_of_its_message(facts: dict[str, Any], fate: str) -> None:
    assert judge("smsc", replace(FACTS, **facts)) == fate


def a_receipt(delivery: Any, seconds: float = 10, **over: Any) -> Receipt:
    return Receipt(message_id=1, delivery=delivery, at=NOON + timedelta(seconds=seconds), **over)


def test_receipts_in_any_order_and_doubled_come_to_the_same() -> None:
    receipts = [a_receipt("waiting", 1), a_receipt("undelivered", 5, reason="6"), a_receipt("delivered", 60)]
    for order in permutations([*receipts, *receipts[1:]]):
        state = None
        for receipt in order:
            state = advance(state, receipt, NOON + timedelta(minutes=2), NOON) or state
        assert state == DeliveryState("delivered", "", NOON + timedelta(seconds=60), bucket_of(60))


def test_the_second_of_two_that_say_the_same_says_nothing_new() -> None:
    state = advance(None, a_receipt("undelivered", reason="6"), NOON, NOON)
    assert state is not None
    assert advance(state, a_receipt("undelivered", reason="8"), NOON, NOON) is None


@pytest.mark.parametrize("off", [-7200, 200])
def test_our_moment_stands_in_for_one_that_cannot_be(off: float) -> None:
    state = advance(None, a_receipt("delivered", off), NOON + timedelta(seconds=30), NOON)
    assert state is not None
    assert state.at == NOON + timedelta(seconds=30)


def test_a_time_is_not_told_of_a_message_whose_send_nobody_saw() -> None:
    state = advance(None, a_receipt("delivered"), NOON, None)
    assert state is not None
    assert state.bucket is None


@pytest.mark.parametrize("seconds", [0.2, 1, 4.4, 59, 300, 86_400, 2_000_000])
def test_a_time_is_kept_to_a_twentieth(seconds: float) -> None:
    assert seconds_of(bucket_of(seconds)) == pytest.approx(seconds, rel=0.06, abs=0.5)


def test_times_without_end_stay_in_the_last_bucket() -> None:
    assert bucket_of(1e12) == LAST_BUCKET


def test_percentiles_are_of_all_messages() -> None:
    times = {bucket_of(2): 90, bucket_of(100): 9, bucket_of(5000): 1}
    assert percentile(times, 0.5) == pytest.approx(2, rel=0.06)
    assert percentile(times, 0.95) == pytest.approx(100, rel=0.06)
    assert percentile({}, 0.5) is None
