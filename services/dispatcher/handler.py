"""The hop of the dispatcher: claim a batch of jobs, obey each verdict, and pause while that is impossible."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.hold_up import HoldUp
from services.dispatcher.admission.rate_limit import RateLimit
from services.dispatcher.attempt import AttemptRunner
from services.dispatcher.claimed_job import ClaimedJob, ClaimTerms
from services.dispatcher.claims import store
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.claim_size import ClaimSize
from services.dispatcher.claims.give_backs import GiveBacks
from services.dispatcher.claims.heartbeat import Heartbeat
from services.dispatcher.claims.held_claims import GiveBackReason, HeldClaims
from services.dispatcher.claims.store import AskedJob
from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.result_buffer import BufferedResult, ResultBuffer
from shared import failpoints, logs, topology
from shared.broker import Consumer, Outgoing, Publisher, Unpublished
from shared.database import COLLISIONS, DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse
from shared.messages import Result, encode
from shared.waiting import Backoff, sleep_unless

# Several claims are on their way only where the database is far away: else fewer and larger ones cost less.
MOST_CLAIMS, OVERLAP_SECONDS = 4, 0.02
# Results unconfirmed for longer mean that the broker is in trouble: nothing more is claimed.
CONFIRM_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 0.02
LINGER_SECONDS = 0.01
LOCKED_SECONDS = 0.005
# A claim that takes longer is named as what holds sending up, if slots are free meanwhile.
SLOW_CLAIM_SECONDS = 0.1

log = logs.get()


class Handler:
    """The loop that claims the jobs of the intake, and sees each through to its acknowledgement."""

    def __init__(
        self,
        pool: Pool,
        publisher: Publisher,
        intake: Intake,
        runner: AttemptRunner,
        results: ResultBuffer,
        admission: Admission,
        held: HeldClaims,
        give_backs: GiveBacks,
        heartbeat: Heartbeat,
        hold_up: HoldUp,
        metrics: Metrics,
        *,
        concurrency: int,
        shortest_retry: str,
        limiter: RateLimit | None,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._intake = intake
        self._runner = runner
        self._results = results
        self._admission = admission
        self._held = held
        self._give_backs = give_backs
        self._heartbeat = heartbeat
        self._hold_up = hold_up
        self._metrics = metrics
        self._concurrency = concurrency
        self._shortest_retry = shortest_retry
        self._limiter = limiter
        self._clock = clock
        self._size = ClaimSize()
        self._running: set[asyncio.Task[Result | None]] = set()
        self._claims: dict[asyncio.Task[None], float] = {}
        self._reserved = 0
        self._failed: BaseException | None = None
        self._backoff = Backoff()
        self._stopping = False
        self._freed = asyncio.Event()
        self.pulse = Pulse()

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self._running)

    @property
    def asked(self) -> int:
        """Jobs whose claim is on its way."""
        return self._reserved

    async def run(self, consumer: Consumer, stop: asyncio.Event) -> None:
        """Claims and sends until `stop`; pauses while the provider or the database is down."""
        while not stop.is_set():
            self.pulse.beat()
            moment = self._clock()
            if self._admission.allowance(moment) <= 0 and self._admission.state(moment) == "open":
                self._hold_up.note("breaker")
                await self._pause(consumer, self._admission.seconds_open(moment), stop, "breaker open")
                continue
            if self._failed is not None:
                error, self._failed = self._failed, None
                self._hold_up.note("database")
                await self._pause(consumer, self._backoff.next(), stop, "claim failed", describe(error))
                continue
            await self._step()

    async def finish(self, seconds: float) -> None:
        """Lets the running attempts end at shutdown, then cancels them; each still leaves its result.

        What has not begun by then does not begin any more.
        """
        self._stopping = True
        self._held.withdraw_all("stop")
        if self._claims:
            await asyncio.wait(self._claims, timeout=seconds)
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=2)

    async def _step(self) -> None:
        """Claims one batch, as large as there are free slots, or waits a moment for slots or for jobs."""
        await self._intake.reject_unreadable()
        self._intake.forget_dead()
        for delivered in self._intake.take_set_aside():
            await self._send_round(delivered)
        if not self._intake.held:
            await _wait(self._intake.arrived)
            return
        slots = await self._gather_slots()
        if slots <= 0:
            await _wait(self._freed)
            return
        self._ask(self._intake.next_batch(slots))

    async def _gather_slots(self) -> int:
        """Waits a moment for a quarter of the slots: one claim for many jobs costs little more than for one."""
        until = self._clock() + LINGER_SECONDS
        while (slots := self._room()) < min(self._intake.held, self._concurrency // 4):
            left = until - self._clock()
            if left <= 0:
                break
            await _wait(self._freed, left)
        return slots

    def _room(self) -> int:
        """Returns how many requests may be claimed for now, and notes what allows none."""
        moment = self._clock()
        if not self._held.may_ask():
            self._hold_up.note("lease")
            return 0
        behind = self._results.behind(asyncio.get_running_loop().time())
        if behind > CONFIRM_SECONDS or self._results.outstanding >= 2 * self._concurrency:
            self._hold_up.note("broker")
            return 0
        if len(self._claims) >= MOST_CLAIMS or any(moment - asked < OVERLAP_SECONDS for asked in self._claims.values()):
            return 0
        allowance = self._admission.allowance(moment) - self._reserved
        slots = min(self._concurrency - len(self._running), self._size.limit - len(self._held)) - self._reserved
        if self._limiter is not None and slots > 0:
            allowance = min(allowance, self._limiter.available)
            if allowance <= 0:
                self._hold_up.note("rate")
        return min(slots, allowance)

    def _ask(self, batch: dict[int, DeliveredJob]) -> None:
        """Claims a batch in the background. Its slots and its tokens of the rate limit are taken meanwhile."""
        self._take_tokens(len(batch))
        self._reserved += len(batch)
        failpoints.reach("dispatcher.unclaimed")
        task = asyncio.create_task(self._claim_apart(batch))
        self._claims[task] = self._clock()
        task.add_done_callback(partial(self._answered, len(batch)))

    def _answered(self, jobs: int, task: asyncio.Task[None]) -> None:
        del self._claims[task]
        self._reserved -= jobs
        self._freed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("claim crashed", exc_info=task.exception())

    async def _claim(self, batch: dict[int, DeliveredJob]) -> None:
        terms = self._held.ask()
        jobs = [
            AskedJob(one.job.message_id, one.job.attempt, one.delivery.redelivered, one.job.failures)
            for one in batch.values()
        ]
        known, sent = False, 0
        try:
            claims = await store.claim(self._pool, terms.name, jobs)
            known, sent = True, sum(claim.verdict == "send" for claim in claims)
            self._backoff.reset()
            await self._obey_all(claims, batch, terms)
        except (*DATABASE_OUTAGES, *COLLISIONS) as error:
            self._failed = error
            self._intake.restore(batch.values())
        finally:
            self._held.answered(terms, known=known)
            self._put_tokens_back(len(batch) - sent)

    async def _claim_apart(self, batch: dict[int, DeliveredJob]) -> None:
        """Claims a batch. If the database refuses it, each job alone; one that it still refuses is set aside."""
        try:
            await self._claim(batch)
        except Exception as error:
            if len(batch) > 1:
                log.warning("batch not claimable", jobs=len(batch), kind=type(error).__name__)
                for message_id, delivered in batch.items():
                    self._take_tokens(1)
                    await self._claim_apart({message_id: delivered})
                return
            for delivered in batch.values():
                log.error("job not claimable", **delivered.ids, exc_info=error)
                self._intake.set_aside(delivered)

    async def _obey_all(self, claims: Sequence[Claim], batch: Mapping[int, DeliveredJob], terms: ClaimTerms) -> None:
        seconds = self._clock() - terms.asked
        self._metrics.record_claim(claims, seconds)
        _log_claims(claims, batch)
        self._note_latency(claims, seconds)
        # Sends first: republishing a job waits for a confirm.
        for claim in sorted(claims, key=lambda claim: claim.verdict != "send"):
            await self._obey(claim, batch[claim.message_id], terms)
        if any(claim.verdict == "locked" for claim in claims):
            await asyncio.sleep(LOCKED_SECONDS)

    def _note_latency(self, claims: Sequence[Claim], seconds: float) -> None:
        if self._limiter is not None:
            self._limiter.allow_for(seconds)
        idle = len(self._running) < self._concurrency // 2
        if seconds > SLOW_CLAIM_SECONDS and idle and self._intake.held:
            self._hold_up.note("database latency")
        if claims and all(claim.verdict == "put back" for claim in claims):
            self._hold_up.note("paused")

    def _take_tokens(self, requests: int) -> None:
        if self._limiter is not None:
            self._limiter.take(requests)

    def _put_tokens_back(self, requests: int) -> None:
        if self._limiter is not None:
            self._limiter.put_back(requests)

    async def _obey(self, claim: Claim, delivered: DeliveredJob, terms: ClaimTerms) -> None:
        """Does what the claim's verdict asks for."""
        match claim.verdict:
            case "send":
                ticket = self._admission.begin(self._clock())
                self._start(ClaimedJob(delivered.delivery, delivered.job, claim, terms, ticket))
            case "locked":
                self._intake.put_last(delivered)
            case "busy":
                await self._send_round(delivered)
            case "damaged":
                await self._intake.reject_damaged(delivered)
            case "put back" | "over":
                await delivered.delivery.ack()

    def _start(self, claimed: ClaimedJob) -> None:
        self._held.names.hold(claimed.terms.name)
        void = "stop" if self._stopping else self._held.void(claimed.terms, claimed.claim)
        if void is not None:
            self._give_back(claimed, void)
            return
        task = asyncio.create_task(self._runner.run(claimed))
        self._held.hold(claimed, task.cancel)
        self._running.add(task)
        task.add_done_callback(partial(self._ended, claimed))

    def _ended(self, claimed: ClaimedJob, task: asyncio.Task[Result | None]) -> None:
        """Gives the claim back if its request did not begin, else hands its result to the buffer."""
        self._running.discard(task)
        self._freed.set()
        # Whatever became of the attempt: its ticket is back.
        self._admission.withdraw(claimed.ticket)
        if not task.cancelled() and task.exception() is not None:
            log.error("attempt crashed", **claimed.ids, exc_info=task.exception())
            self._held.fail(claimed)
        reason = self._held.let_go(claimed)
        if reason is not None:
            self._give_back(claimed, reason)
            return
        self._size.grow()
        result = None if task.cancelled() or task.exception() else task.result()
        if result is None:
            # Its claim falls stale with its name, and the job is there again by then.
            self._held.names.let_go(claimed.terms.name)
            self._intake.set_aside(DeliveredJob(claimed.delivery, claimed.job))
            return
        self._results.add(BufferedResult(result, partial(self._confirmed, claimed)))

    async def _confirmed(self, claimed: ClaimedJob) -> None:
        self._held.names.let_go(claimed.terms.name)
        await claimed.delivery.ack()

    def _give_back(self, claimed: ClaimedJob, reason: GiveBackReason) -> None:
        self._admission.withdraw(claimed.ticket)
        self._put_tokens_back(1)
        if reason in ("lease", "time"):
            self._size.shrink(self._clock())
        self._give_backs.add(claimed, reason)

    async def _send_round(self, delivered: DeliveredJob) -> None:
        """Publishes a job to the shortest retry queue: it comes back soon."""
        await self._republish(delivered, Outgoing(topology.RETRY, self._shortest_retry, encode(delivered.job)))

    async def _republish(self, delivered: DeliveredJob, outgoing: Outgoing) -> None:
        """Publishes a job elsewhere, then acknowledges it. A job that cannot be published is claimed again here."""
        try:
            await self._publisher.publish(outgoing)
        except Unpublished as error:
            log.warning("job not republished", **delivered.ids, key=outgoing.routing_key, detail=str(error))
            self._intake.put_last(delivered)
        else:
            await delivered.delivery.ack()

    async def _pause(
        self, consumer: Consumer, seconds: float, stop: asyncio.Event, reason: str, detail: str | None = None
    ) -> None:
        """Stops consuming, returns unstarted jobs to the broker, waits, and consumes again.

        Deliveries are not held meanwhile: the broker takes them back after 30 minutes, and closes the channel.
        """
        unstarted = self._intake.held
        log.warning("consuming paused", reason=reason, detail=detail, seconds=round(seconds, 1), unstarted=unstarted)
        self._heartbeat.sending = False
        await consumer.pause()
        for delivered in self._intake.drain():
            self.pulse.beat()
            if delivered.delivery.alive:
                await self._republish(delivered, Outgoing(topology.JOBS, topology.SEND_KEY, encode(delivered.job)))
        await self._sit_out(seconds, stop, "breaker" if reason == "breaker open" else "database")
        if not stop.is_set():
            await consumer.resume()
            self._heartbeat.sending = True
            log.info("consuming resumed")

    async def _sit_out(self, seconds: float, stop: asyncio.Event, cause: Literal["breaker", "database"]) -> None:
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 and not stop.is_set():
            self._hold_up.note(cause)
            await sleep_unless(stop, min(left, 1.0))


def _log_claims(claims: Sequence[Claim], batch: Mapping[int, DeliveredJob]) -> None:
    """Logs a batch of claims, one line for each verdict. Locked jobs are logged with the batch that decides them."""
    by_verdict: dict[str, list[int]] = {}
    for claim in claims:
        by_verdict.setdefault(claim.verdict, []).append(claim.message_id)
    by_verdict.pop("locked", None)
    for verdict, message_ids in by_verdict.items():
        mailing_ids = sorted({batch[message_id].job.mailing_id for message_id in message_ids})
        if verdict == "send":
            log.info("jobs claimed", message_ids=message_ids, mailing_ids=mailing_ids)
        else:
            log.info("jobs not claimed", verdict=verdict, message_ids=message_ids, mailing_ids=mailing_ids)


async def _wait(event: asyncio.Event, seconds: float = LOOK_AGAIN_SECONDS) -> None:
    """Waits for the event, but not for long: not everything that frees a slot sets it."""
    await sleep_unless(event, seconds)
    event.clear()
