"""The hop of the dispatcher: claim a batch of jobs, obey each verdict, and pause while that is impossible."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from aiolimiter import AsyncLimiter

from services.dispatcher import store
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.attempt import AttemptRunner
from services.dispatcher.claimed_job import ClaimedJob
from services.dispatcher.heartbeat import Heartbeat
from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.result_buffer import BufferedResult, ResultBuffer
from services.dispatcher.store import Claim
from services.dispatcher.worker_name import WorkerName
from shared import failpoints, logs, topology
from shared.broker import Consumer, Outgoing, Publisher, Unpublished
from shared.database import COLLISIONS, DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse
from shared.messages import encode
from shared.waiting import Backoff, sleep_unless

MOST_JOBS_PER_CLAIM = 100
# Results unconfirmed for longer mean that the broker is in trouble: nothing more is claimed.
CONFIRM_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 0.02
LINGER_SECONDS = 0.01
LOCKED_SECONDS = 0.005

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
        breaker: Breaker,
        name: WorkerName,
        heartbeat: Heartbeat,
        metrics: Metrics,
        *,
        concurrency: int,
        shortest_retry: str,
        limiter: AsyncLimiter | None,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._intake = intake
        self._runner = runner
        self._results = results
        self._breaker = breaker
        self._name = name
        self._heartbeat = heartbeat
        self._metrics = metrics
        self._concurrency = concurrency
        self._shortest_retry = shortest_retry
        self._limiter = limiter
        self._running: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self.pulse = Pulse()

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self._running)

    async def run(self, consumer: Consumer, stop: asyncio.Event) -> None:
        """Claims and sends until `stop`; pauses while the provider or the database is down."""
        backoff = Backoff()
        while not stop.is_set():
            self.pulse.beat()
            moment = asyncio.get_running_loop().time()
            if self._breaker.allowance(moment) <= 0 and self._breaker.state(moment) == "open":
                await self._pause(consumer, self._breaker.seconds_open(moment), stop, "breaker open")
                continue
            try:
                await self._step()
                backoff.reset()
            except (*DATABASE_OUTAGES, *COLLISIONS) as error:
                await self._pause(consumer, backoff.next(), stop, "claim failed", describe(error))

    async def finish(self, seconds: float) -> None:
        """Lets the running attempts end at shutdown, then cancels them; each still leaves its result."""
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
        if not self._intake.held:
            await _wait(self._intake.arrived)
            return
        slots = await self._gather_slots()
        if slots <= 0:
            await _wait(self._freed)
            return
        batch = self._intake.next_batch(min(slots, MOST_JOBS_PER_CLAIM, self._burst()))
        if self._limiter is not None:
            await self._limiter.acquire(len(batch))
        await self._claim(batch)

    async def _gather_slots(self) -> int:
        """Waits a moment for a quarter of the slots: one claim for many jobs costs little more than for one."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LINGER_SECONDS
        while (slots := self._free_slots()) < min(self._intake.held, self._concurrency // 4) and loop.time() < until:
            await _wait(self._freed, until - loop.time())
        return slots

    def _free_slots(self) -> int:
        """Returns how many requests may begin now: none while results pile up, or the breaker allows none."""
        moment = asyncio.get_running_loop().time()
        if self._results.behind(moment) > CONFIRM_SECONDS or self._results.outstanding >= 2 * self._concurrency:
            return 0
        return min(self._concurrency - len(self._running), self._breaker.allowance(moment))

    def _burst(self) -> int:
        return MOST_JOBS_PER_CLAIM if self._limiter is None else max(int(self._limiter.max_rate), 1)

    async def _claim(self, batch: dict[int, DeliveredJob]) -> None:
        asked = asyncio.get_running_loop().time()
        jobs = [(one.job.message_id, one.job.attempt, one.delivery.redelivered) for one in batch.values()]
        failpoints.reach("dispatcher.unclaimed")
        try:
            claims = await store.claim(self._pool, self._name.current, jobs)
        except BaseException:
            self._intake.restore(batch.values())
            self._name.renew()
            raise
        self._metrics.record_claim(claims, asyncio.get_running_loop().time() - asked)
        _log_claims(claims, batch)
        # Sends first: a claim is fresh for 80 ms, and republishing a job waits for a confirm.
        for claim in sorted(claims, key=lambda claim: claim.verdict != "send"):
            await self._obey(claim, batch[claim.message_id], asked)
        if any(claim.verdict == "locked" for claim in claims):
            await asyncio.sleep(LOCKED_SECONDS)

    async def _obey(self, claim: Claim, delivered: DeliveredJob, asked: float) -> None:
        """Does what the claim's verdict asks for."""
        match claim.verdict:
            case "send":
                ticket = self._breaker.begin(asyncio.get_running_loop().time())
                self._start(ClaimedJob(delivered.delivery, delivered.job, claim, self._name.current, ticket, asked))
            case "locked":
                self._intake.put_last(delivered)
            case "busy":
                retry = Outgoing(topology.RETRY, self._shortest_retry, encode(delivered.job))
                await self._republish(delivered, retry)
            case "put back" | "over":
                await delivered.delivery.ack()

    def _start(self, claimed: ClaimedJob) -> None:
        self._name.hold(claimed.worker)
        task = asyncio.create_task(self._see_through(claimed))
        self._running.add(task)
        task.add_done_callback(partial(self._ended, claimed))

    def _ended(self, claimed: ClaimedJob, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._freed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("attempt crashed", **claimed.ids, exc_info=task.exception())

    async def _see_through(self, claimed: ClaimedJob) -> None:
        """Makes the attempt, and hands its result to the buffer, which acknowledges the job once it is confirmed."""
        result = await self._runner.run(claimed)
        if result is None:
            self._name.let_go(claimed.worker)
            self._intake.put_first(DeliveredJob(claimed.delivery, claimed.job))
            return

        async def confirmed() -> None:
            self._name.let_go(claimed.worker)
            await claimed.delivery.ack()

        self._results.add(BufferedResult(result, confirmed))

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
        await sleep_unless(stop, seconds)
        if not stop.is_set():
            await consumer.resume()
            self._heartbeat.sending = True
            log.info("consuming resumed")


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
