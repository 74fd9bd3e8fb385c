"""What the handler does with verdicts, rate tokens and crashes."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.admission.rate_limit import RateLimit
from services.dispatcher.attempt import AttemptRunner
from services.dispatcher.claimed_job import ClaimedJob
from services.dispatcher.handler import Handler
from services.dispatcher.heartbeat import Heartbeat
from services.dispatcher.intake import Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.result_buffer import ResultBuffer
from services.dispatcher.worker_name import WorkerName
from shared.broker import Consumer
from shared.database import Pool
from shared.messages import Result, encode
from tests.support.builders import PHONE, TEXT, a_job, a_policy
from tests.support.fakes import FakeDelivery, FakeProvider, RecordingPublisher
from tests.support.polling import until


class VerdictPool:
    """Answers each claim with the verdict for its message id, "send" where none is given."""

    def __init__(self, verdicts: dict[int, str]) -> None:
        self.verdicts = verdicts

    async def fetch(self, _: str, __: object, message_ids: list[int], *___: object) -> list[dict[str, Any]]:
        return [self._row(message_id) for message_id in message_ids]

    def _row(self, message_id: int) -> dict[str, Any]:
        return {
            "message_id": message_id,
            "verdict": self.verdicts.get(message_id, "send"),
            "number": 1,
            "failures": 0,
            "text": TEXT,
            "phone": PHONE,
            "seconds_left": 3600.0,
            "claimed_at": datetime.now(UTC),
            "request_id": None,
            "waited": 0.0,
        }


class CrashingRunner(AttemptRunner):
    """Fails in every attempt, where nothing is caught any more."""

    async def run(self, claimed: ClaimedJob) -> Result | None:
        raise RuntimeError("a fault of Herald's own")


class Bench:
    """A handler and all the fakes around it."""

    def __init__(
        self, verdicts: dict[int, str], *, rate: float | None = None, runner: type[AttemptRunner] = AttemptRunner
    ) -> None:
        clock, counters, pool = asyncio.get_running_loop().time, Metrics(CollectorRegistry()), VerdictPool(verdicts)
        publisher = RecordingPublisher()
        self.intake = Intake(counters)
        self.provider = FakeProvider()
        self.breaker = Breaker(lambda: 1.0)
        self.admission = Admission(self.breaker, AdaptiveConcurrency(10))
        self.name = WorkerName()
        self.results = ResultBuffer(publisher)
        made = runner(
            *(cast(Pool, pool), publisher, self.provider, self.admission, a_policy(), counters),
            timeout=10,
            token="token",
            clock=clock,
        )
        self.handler = Handler(
            *(cast(Pool, pool), publisher, self.intake, made, self.results, self.admission, self.name),
            *(Heartbeat(cast(Pool, pool), self.name, made), counters),
            concurrency=10,
            shortest_retry="dispatcher.retry.5s",
            limiter=None if rate is None else RateLimit(rate, clock),
        )

    async def run(self, jobs: int) -> list[FakeDelivery]:
        """Delivers that many jobs, and runs until none is left."""
        deliveries = [FakeDelivery(encode(a_job(message_id=number))) for number in range(1, jobs + 1)]
        for delivery in deliveries:
            self.intake.enqueue(delivery)
        stop = asyncio.Event()
        running = asyncio.create_task(self.handler.run(cast(Consumer, None), stop))

        async def done() -> bool:
            return not self.intake.held and not self.handler.in_flight

        try:
            await until(done, 10, "all jobs are seen through")
        finally:
            stop.set()
            await running
        return deliveries


async def test_tokens_of_the_rate_are_not_spent_on_jobs_that_are_over() -> None:
    # One request a second; thirty doubled jobs before one to send would have held it up for half a minute.
    bench = Bench(dict.fromkeys(range(1, 31), "over"), rate=1)
    began = asyncio.get_running_loop().time()
    deliveries = await bench.run(31)
    assert asyncio.get_running_loop().time() - began < 8
    assert [delivery.acked for delivery in deliveries[:30]] == [1] * 30
    assert [request[0] for request in bench.provider.requests] == [31]


@pytest.mark.parametrize("half_open", [False, True])
async def test_an_attempt_that_crashes_holds_neither_a_slot_nor_a_probe_nor_its_name(half_open: bool) -> None:
    bench = Bench({}, runner=CrashingRunner)
    if half_open:
        now = asyncio.get_running_loop().time()
        bench.breaker.trip(now - 60)
    before = bench.name.current
    await bench.run(3)
    assert (bench.admission.begun, bench.admission.allowance(asyncio.get_running_loop().time()) > 0) == (0, True)
    # Its claim is open without a result: the name falls silent, so that it becomes stale.
    assert before not in bench.name.alive
