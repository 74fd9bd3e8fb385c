"""Attempts through providers of the file: what follows from each verdict."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.dispatcher.provider_api.replies import Reply
from services.dispatcher.providers.mapping import ProviderMapping
from shared.messages import encode
from tests.support.builders import a_claim, a_job, a_reply
from tests.support.fakes import FakeProvider
from tests.unit.dispatcher.lanes import a_lane, a_mapping
from tests.unit.dispatcher.test_attempt import Bench

RULES = [
    {"when": {"status": 200}, "verdict": "accepted", "provider_id": "id", "cost": "cost"},
    {"when": {"status": 400}, "verdict": "permanent", "elsewhere": True, "reason": "no route"},
    {"when": {"status": 402}, "verdict": "hold", "reason": "no money"},
    {"when": {"status": 409}, "verdict": "duplicate", "reason": "known already"},
    {"when": {"status": 429}, "verdict": "throttled", "retry_after": "10m"},
    {"when": {"status": 503}, "verdict": "temporary", "reason": "busy"},
]


def named(**over: object) -> ProviderMapping:
    return a_mapping("ours", reply=RULES, **over)


async def test_what_a_provider_says_of_an_accepted_message_is_kept() -> None:
    result = await Bench(a_reply(b'{"id": "x7", "cost": "3.20"}'), mapping=named()).result()
    assert (result.status, result.provider, result.provider_id, str(result.cost)) == ("sent", "ours", "x7", "3.20")


async def test_where_the_reply_tells_no_cost_an_accepted_message_costs_what_the_file_says() -> None:
    mapping = named(price={"per_segment": "3.20", "currency": "RUB"})
    long = a_claim(text="x" * 200)
    assert (await Bench(a_reply(b'{"id": "x7"}'), mapping=mapping).result(long)).cost == Decimal("6.40")
    assert (await Bench(a_reply(b'{"id": "x7", "cost": "1"}'), mapping=mapping).result(long)).cost == Decimal(1)
    assert (await Bench(a_reply(b"", 400), mapping=mapping).result(long)).cost is None


async def test_what_a_provider_echoes_of_attributes_is_hidden() -> None:
    claim = a_claim(client_attributes='{"telegram_id": 123454711}')
    result = await Bench(a_reply(b"no chat 123454711", 400), mapping=named()).result(claim)
    assert "no chat" in (result.detail or "")
    assert "4711" not in (result.detail or "")


@pytest.mark.parametrize("reply", [Reply("timeout"), Reply("broken"), a_reply(b"", 502), a_reply(b"", 409)])
async def test_what_may_have_arrived_is_not_repeated_where_doubles_count(reply: Reply) -> None:
    bench = Bench(reply, mapping=named())
    result = await bench.result()
    assert (result.status, result.unsure) == ("exhausted", True)
    assert (result.reason or "").startswith("outcome unknown: ")
    # No dead letter, either: replaying all of them would send them again.
    assert bench.publisher.published == []


async def test_what_may_have_arrived_is_repeated_where_doubles_are_dropped_and_says_so() -> None:
    bench = Bench(Reply("timeout"), mapping=named(deduplicates=True))
    result = await bench.result()
    assert (result.status, result.failed, result.unsure) == ("retrying", True, True)
    assert bench.publisher.published[0].body == encode(a_job(attempt=2, failures=1, unsure=True))


async def test_a_duplicate_after_an_attempt_of_unknown_outcome_is_a_success() -> None:
    result = await Bench(a_reply(b"", 409), mapping=named()).result(a_claim(number=2, unsure=True))
    assert (result.status, result.outcome) == ("sent", "duplicate")


async def test_an_account_at_fault_opens_the_breaker_and_spends_nothing() -> None:
    bench = Bench(a_reply(b"", 402), mapping=named())
    result = await bench.result(a_claim(failures=7))
    assert (result.status, result.failed, result.outcome) == ("retrying", False, "hold")
    assert bench.breaker.state(100.06) == "open"


async def test_a_throttling_provider_is_held_by_all_dispatchers() -> None:
    bench = Bench(a_reply(b"", 429), mapping=named())
    result = await bench.result(a_claim(failures=7))
    assert (result.status, result.failed) == ("retrying", False)
    assert bench.announced == [("ours", timedelta(minutes=10))]
    assert bench.lane.held(100.06) == pytest.approx(600)


async def test_what_one_provider_refuses_goes_to_another_of_its_route() -> None:
    other = a_lane(FakeProvider(), a_mapping("other"))
    bench = Bench(a_reply(b"", 400), mapping=named(), others=[other])
    result = await bench.result()
    assert (result.status, result.failed, result.refused) == ("retrying", False, True)
    assert bench.publisher.published[0].body == encode(a_job(attempt=2, failures=0, refused=("ours",)))
    alone = await Bench(a_reply(b"", 400), mapping=named()).result()
    assert (alone.status, alone.reason) == ("rejected", "no route")


async def test_a_message_with_too_little_time_for_the_provider_waits_for_the_end_or_a_later_one() -> None:
    request = {
        "url": "https://sms.example/send",
        "json": {"id": "{{message_id}}", "phone": "{{phone}}", "text": "{{text}}", "ttl": "{{validity}}"},
        "validity": {"unit": "minutes", "min": "10m", "max": "24h"},
    }
    bench = Bench(mapping=named(request=request))
    claim = a_claim(seconds_left=300.0)
    result = await bench.result(claim)
    # Expired here, it would have kept to an end that an operator was just moving.
    assert (result.status, result.outcome, bench.provider.requests) == ("retrying", "too_late", [])
    assert (result.queued, result.failed, result.refused) == (False, False, False)
    assert result.due_at == claim.claimed_at + timedelta(seconds=300)
    assert result.detail == "less time left than the provider allows a message: not sent"
