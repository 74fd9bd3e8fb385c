"""What the handler does with verdicts, rate tokens and crashes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.admission.hold_up import HoldUp
from services.dispatcher.attempt import AttemptTools
from services.dispatcher.attempts import RunningAttempts
from services.dispatcher.claimer import Claimer
from services.dispatcher.claims.claim_size import ClaimSize
from services.dispatcher.claims.give_backs import GiveBacks
from services.dispatcher.claims.heartbeat import Heartbeat
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.handler import Handler
from services.dispatcher.intake import Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.provider_api.replies import Reply
from services.dispatcher.queued_retries import QueuedRetries
from services.dispatcher.requeue import Requeue
from services.dispatcher.result_buffer import ResultBuffer
from shared import topology
from shared.broker import Consumer
from shared.database import Pool
from shared.health import Health
from shared.messages import Job, decode, encode
from tests.support.builders import PHONE, TEXT, a_job, a_policy
from tests.support.fakes import FakeDelivery, FakeProvider, RecordingPublisher
from tests.support.polling import until
from tests.unit.dispatcher.lanes import a_fleet, a_lane


class VerdictPool:
    """Answers each claim with the verdict for its message id, "send" where none is given.

    Refuses a statement about any of the `refused` messages. Records what is given back.
    """

    def __init__(self, verdicts: dict[int, str], refused: set[int], *, shut: bool) -> None:
        self.verdicts = verdicts
        self.shut = shut
        self.refused = refused
        self.given_back: list[int] = []

    async def fetchval(self, _: str, __: object, message_ids: list[int], *___: object) -> int:
        self.given_back += message_ids
        return len(message_ids)

    async def fetch(self, _: str, __: object, message_ids: list[int], *___: object) -> list[dict[str, Any]]:
        if self.refused & set(message_ids):
            raise asyncpg.InvalidParameterValueError("time zone not recognized")
        return [self._row(message_id) for message_id in message_ids]

    def _row(self, message_id: int) -> dict[str, Any]:
        return {
            "message_id": message_id,
            "verdict": self.verdicts.get(message_id, "send"),
            "number": 1,
            "mailing_id": 7,
            "client_id": 3,
            "failures": 0,
            "text": TEXT,
            "phone": PHONE,
            "seconds_left": 3600.0,
            "claimed_at": datetime.now(UTC),
            "request_id": None,
            "waited": 0.0,
            "attributes": None,
            "shut": self.shut,
        }


class QuietConsumer(Consumer):
    """Stops and begins to consume at once."""

    def __init__(self) -> None:
        """Connects to nothing."""

    async def pause(self) -> None:
        """Has nothing to stop."""

    async def resume(self) -> None:
        """Has nothing to begin."""


class Bench:
    """A handler and all the fakes around it."""

    def __init__(
        self,
        verdicts: dict[int, str] | None = None,
        *,
        refused: set[int] | None = None,
        rate: float | None = None,
        shut: bool = False,
        replies: Sequence[Reply] = (),
    ) -> None:
        clock, registry = asyncio.get_running_loop().time, CollectorRegistry()
        counters, self.database = Metrics(registry), VerdictPool(verdicts or {}, refused or set(), shut=shut)
        pool, self.publisher = cast(Pool, self.database), RecordingPublisher()
        self.registry = registry
        self.intake = Intake(counters)
        self.provider = FakeProvider(*replies)
        self.breaker = Breaker(lambda: 1.0)
        self.admission = Admission(self.breaker, AdaptiveConcurrency(10))
        self.held = HeldClaims(clock)
        self.give_backs = GiveBacks(pool, self.held.names, self.intake, counters)
        self.results = ResultBuffer(self.publisher)
        tools = AttemptTools(
            held=self.held,
            publisher=self.publisher,
            fleet=lambda: self.fleet,
            announce=lambda lane, held: None,
            policy=a_policy(),
            retries=QueuedRetries(pool),
            metrics=counters,
            clock=clock,
        )
        self.health = Health()
        self.hold_up = hold_up = HoldUp(self.health, registry, clock)
        self.fleet = a_fleet(a_lane(self.provider, admission=self.admission, rate=rate, clock=clock))
        self.attempts = RunningAttempts(tools, self.results, self.give_backs, self.intake, ClaimSize())
        requeue = Requeue(self.publisher, self.intake, timedelta(seconds=5))
        claimer = Claimer(
            *(pool, self.intake, requeue, self.attempts, lambda: self.fleet, self.held, hold_up, counters),
            concurrency=10,
            clock=clock,
        )
        heartbeat = Heartbeat(pool, self.held, provider_timeout=lambda: 10, clock=clock)
        self.handler = Handler(
            *(
                self.intake,
                requeue,
                claimer,
                self.attempts,
                self.results,
                lambda: self.fleet,
                self.held,
                heartbeat,
                hold_up,
            ),
            concurrency=10,
            clock=clock,
        )

    async def beat(self) -> None:
        """Keeps the lease and the names, as the heartbeat does."""
        while True:
            self.held.record_beat(asyncio.get_running_loop().time(), self.held.names.alive)
            await asyncio.sleep(0.2)

    @asynccontextmanager
    async def running(self, jobs: int) -> AsyncIterator[list[FakeDelivery]]:
        """Delivers that many jobs, and runs while the block runs."""
        deliveries = [FakeDelivery(encode(a_job(message_id=number))) for number in range(1, jobs + 1)]
        for delivery in deliveries:
            self.intake.enqueue(delivery)
        stop = asyncio.Event()
        running = asyncio.create_task(self.handler.run(QuietConsumer(), stop))
        others = [asyncio.create_task(self.beat()), asyncio.create_task(self.give_backs.run())]
        try:
            yield deliveries
        finally:
            stop.set()
            await running
            for task in others:
                task.cancel()

    async def run(self, jobs: int) -> list[FakeDelivery]:
        """Delivers that many jobs, and runs until none is left."""

        async def done() -> bool:
            return not (self.intake.held or self.handler.in_flight or self.handler.asked or self.give_backs.outstanding)

        async with self.running(jobs) as deliveries:
            await until(done, 10, "all jobs are seen through")
        return deliveries

    def held_up(self) -> str:
        """Returns what the detail of /readyz says of sending."""
        self.hold_up.look()
        return self.health.details["sending"]


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
        return len(bench.provider.requests) == 60

    async with bench.running(60):
        # Nobody publishes the results yet: twice as many as there are slots, and what was claimed by then.
        await until(held_up, 10, "unconfirmed results hold sending up")
        assert 20 <= len(bench.provider.requests) <= 30
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
