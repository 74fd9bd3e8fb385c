"""A handler of the dispatcher with fakes around it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
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
from shared.broker import Consumer
from shared.database import Pool
from shared.health import Health
from shared.messages import encode
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
        self.attempts = RunningAttempts(tools, self.results, self.give_backs, self.intake, ClaimSize(), concurrency=10)
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
        works = (self.beat, self.give_backs.run, self.attempts.start_in_time)
        others = [asyncio.create_task(work()) for work in works]
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
