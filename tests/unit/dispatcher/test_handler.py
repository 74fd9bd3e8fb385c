"""What the handler does with verdicts, rate tokens and crashes."""

import asyncio
from typing import Any

import pytest

from services.dispatcher.provider_api.replies import Reply
from shared import topology
from shared.messages import Job, decode
from tests.support.fakes import FakeDelivery, FakeProvider
from tests.support.polling import until
from tests.unit.dispatcher.handler_bench import Bench
from tests.unit.dispatcher.lanes import a_lane, a_mapping


async def test_tokens_of_the_rate_are_not_spent_on_jobs_that_are_over() -> None:
    # One request a second; thirty doubled jobs before one to send would have held it up for half a minute.
    bench = Bench(dict.fromkeys(range(1, 31), "over"), rate=1)
    began = asyncio.get_running_loop().time()
    deliveries = await bench.run(31)
    assert asyncio.get_running_loop().time() - began < 8
    assert [delivery.acked for delivery in deliveries[:30]] == [1] * 30
    assert [request[0] for request in bench.provider.requests] == [31]


@pytest.mark.parametrize("half_open", [False, True])
async def test_an_attempt_that_crashes_holds_neither_a_slot_nor_a_probe_nor_its_claim(half_open: bool) -> None:
    bench = Bench({})
    bench.provider.fault = RuntimeError("a fault of Herald's own")
    if half_open:
        now = asyncio.get_running_loop().time()
        bench.breaker.trip(now - 60)
    await bench.run(3)
    assert (bench.admission.begun, bench.admission.allowance(asyncio.get_running_loop().time()) > 0) == (0, True)
    # Nothing was begun, so the claims are given back and the jobs are tried again after a while.
    assert sorted(bench.database.given_back) == [1, 2, 3]
    assert len(bench.publisher.published) == 3


async def test_an_attempt_that_crashes_with_its_reply_leaves_no_claim_open_under_a_live_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench({})
    # The reply is there, and its result gets nowhere.
    monkeypatch.setattr(bench.results, "add", None)
    deliveries = await bench.run(3)
    assert (bench.attempts.under_way, bench.admission.begun, len(bench.held)) == (0, 0, 0)
    # Nothing keeps the name alive but what is claimed next: the claims fall stale, and their jobs come again.
    bench.held.names.renew(0)
    bench.held.names.renew(0)
    assert len(bench.held.names.alive) == 2
    assert [one.routing_key for one in bench.publisher.published] == ["dispatcher.retry.5s"] * 3
    assert [delivery.acked for delivery in deliveries] == [1, 1, 1]


async def test_a_job_that_the_database_refuses_is_set_aside_and_the_others_of_its_batch_are_sent() -> None:
    bench = Bench(refused={2})
    deliveries = await bench.run(3)
    assert sorted(request[0] for request in bench.provider.requests) == [1, 3]
    await until(lambda: is_acked(deliveries[1]), 5, "the refused job is in a retry queue")
    assert [one.routing_key for one in bench.publisher.published] == ["dispatcher.retry.5s"]


async def is_acked(delivery: FakeDelivery) -> bool:
    return delivery.acked == 1


async def test_a_damaged_job_is_dead_lettered() -> None:
    bench = Bench({1: "damaged"})
    (delivery,) = await bench.run(1)
    assert (delivery.rejected, delivery.acked) == (1, 0)
    labels = {"queue": "dispatcher.dead", "reason": "damaged"}
    assert bench.registry.get_sample_value("herald_dead_letters_total", labels) == 1


async def test_nothing_more_is_claimed_while_results_are_not_confirmed() -> None:
    bench = Bench()

    async def held_up() -> bool:
        return bench.held_up() == "held up: broker"

    async def all_sent() -> bool:
        return len(bench.provider.requests) == 90

    async with bench.running(90):
        # Nobody publishes the results yet: twice as many as there are slots, and what was claimed by then.
        await until(held_up, 10, "unconfirmed results hold sending up")
        assert 20 <= len(bench.provider.requests) <= 40
        publishing = asyncio.create_task(bench.results.run())
        await until(all_sent, 10, "sending goes on once they are confirmed")
        publishing.cancel()


@pytest.mark.parametrize(("shut", "cause"), [(True, "window"), (False, "paused")])
async def test_what_keeps_all_jobs_from_being_sent_is_named(shut: bool, cause: str) -> None:
    bench = Bench(dict.fromkeys(range(1, 4), "put back"), shut=shut)
    bench.held.record_beat(asyncio.get_running_loop().time(), bench.held.names.alive)
    deliveries = await bench.run(3)
    assert [delivery.acked for delivery in deliveries] == [1, 1, 1]
    assert bench.held_up() == f"held up: {cause}"


@pytest.mark.parametrize("reply", [Reply("timeout"), Reply("broken"), Reply("answered", 200, b"<html>")])
async def test_after_a_probe_that_may_have_arrived_another_message_is_the_next(reply: Reply) -> None:
    bench = Bench(replies=[reply])
    # Half-open: one request is let through.
    bench.breaker.trip(asyncio.get_running_loop().time() - 60)

    async def paused() -> bool:
        return len(bench.publisher.published) == 3

    async with bench.running(3):
        await until(paused, 10, "the breaker is open again, and the jobs are back on the broker")
    sent = [(one.exchange, decode(Job, one.body)) for one in bench.publisher.published]
    first, *others = sorted((job.message_id, job.attempt, job.failures, exchange) for exchange, job in sent)
    # The probe has spent an attempt, and waits behind the others, which are as they were.
    assert first == (bench.provider.requests[0][0], 2, 1, topology.RETRY)
    assert [one[1:] for one in others] == [(1, None, topology.JOBS)] * 2
    assert len(bench.provider.requests) == 1


@pytest.mark.parametrize(("hold", "cause"), [("breaker", "breaker"), ("held", "held"), ("drained", "drained")])
async def test_what_keeps_a_provider_away_is_named(hold: str, cause: str) -> None:
    bench, moment = Bench(), asyncio.get_running_loop().time()
    bench.held.record_beat(moment, bench.held.names.alive)
    (lane,) = bench.fleet.lanes.values()
    if hold == "breaker":
        bench.breaker.trip(moment)
    lane.holds.held_until = moment + 60 if hold == "held" else 0.0
    lane.holds.drained = hold == "drained"

    async def named() -> bool:
        return bench.held_up() == f"held up: {cause}"

    async with bench.running(3):
        await until(named, 10, f"sending is held up: {cause}")
    assert bench.provider.requests == []


async def test_claims_ahead_of_their_slots_wait_for_one_and_begin_when_it_is_free() -> None:
    bench = Bench()
    (lane,) = bench.fleet.lanes.values()
    lane.look_ahead.claims = 5
    bench.provider.gate.clear()

    async def waiting() -> bool:
        return lane.waiting == 5

    async with bench.running(20) as deliveries:
        await until(waiting, 5, "five claims wait for a slot")
        assert (len(bench.provider.requests), bench.attempts.under_way, len(bench.held)) == (10, 10, 5)
        bench.provider.gate.set()
        await until(lambda: _all_began(bench, len(deliveries)), 5, "all are sent")
    assert bench.database.given_back == []


async def _all_began(bench: Bench, requests: int) -> bool:
    return len(bench.provider.requests) == requests


async def test_what_waits_for_a_slot_is_given_back_when_the_provider_goes_away() -> None:
    bench = Bench()
    (lane,) = bench.fleet.lanes.values()
    lane.look_ahead.claims = 5
    bench.provider.gate.clear()

    async def waiting() -> bool:
        return lane.waiting == 5

    async def given_back() -> bool:
        return len(bench.database.given_back) == 5

    async with bench.running(15):
        await until(waiting, 5, "five claims wait for a slot")
        bench.breaker.trip(asyncio.get_running_loop().time())
        await until(given_back, 5, "the claims are given back")
    assert len(bench.provider.requests) == 10
    assert bench.registry.get_sample_value("herald_claims_given_back_total", {"reason": "away"}) == 5


@pytest.mark.parametrize("why", ["half-open", "trial"])
async def test_nothing_is_claimed_ahead_for_a_provider_on_trial(why: str) -> None:
    bench, moment = Bench(), asyncio.get_running_loop().time()
    (lane,) = bench.fleet.lanes.values()
    lane.look_ahead.claims = 5
    assert lane.ahead(moment) == 5
    if why == "half-open":
        bench.breaker.trip(moment - 60)
    lane.trial = why == "trial"
    assert lane.ahead(moment) == 0


def test_nothing_is_claimed_ahead_for_a_provider_that_would_send_a_repeated_request_again() -> None:
    lane = a_lane(FakeProvider(), a_mapping())
    lane.look_ahead.claims = 5
    assert lane.ahead(0.0) == 0


async def test_what_is_claimed_ahead_waits_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    (lane,) = bench.fleet.lanes.values()
    lane.look_ahead.claims = 60
    bench.provider.gate.clear()
    answer = bench.database.fetch

    async def answer_late(*arguments: Any) -> list[dict[str, Any]]:
        # The pace has fallen while the claim was on its way.
        lane.look_ahead.claims = 0
        return await answer(*arguments)

    async def waiting() -> bool:
        return lane.waiting == 60

    monkeypatch.setattr(bench.database, "fetch", answer_late)
    async with bench.running(70):
        await until(waiting, 5, "sixty claims wait for a slot")
        assert (bench.database.given_back, bench.give_backs.outstanding) == ([], 0)
        bench.provider.gate.set()
        await until(lambda: _all_began(bench, 70), 5, "they begin")
    assert bench.database.given_back == []
