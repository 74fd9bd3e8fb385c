"""The hop of the dispatcher: claim, send, classify, decide, act; and when to stand aside."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial

from aiolimiter import AsyncLimiter

from services.dispatcher import store
from services.dispatcher.attempt import Attempts, Taken
from services.dispatcher.breaker import Breaker
from services.dispatcher.metrics import Meters
from services.dispatcher.result_buffer import Entry, Outbox
from services.dispatcher.store import Claim
from services.dispatcher.worker_name import Identity
from shared import failpoints, logs, topology
from shared.broker import Consumer, Delivery, Outgoing, Publisher, Unpublished
from shared.database import COLLISIONS, DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse
from shared.messages import Job, Unreadable, decode, encode
from shared.waiting import Backoff, sleep_unless

CLAIM_AT_ONCE = 100
# Results unconfirmed for so long mean that the broker is in trouble: claim no more.
CONFIRM_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 0.02
LINGER_SECONDS = 0.01
LOCKED_SECONDS = 0.005
BEAT_SECONDS = 1.0

log = logs.get()


class Handler:
    """Takes jobs in and sees each through to its acknowledgement."""

    def __init__(
        self,
        pool: Pool,
        publisher: Publisher,
        attempts: Attempts,
        outbox: Outbox,
        breaker: Breaker,
        meters: Meters,
        *,
        concurrency: int,
        shortest_retry: str,
        limiter: AsyncLimiter | None,
    ) -> None:
        self._pool, self._publisher, self._attempts, self._outbox = pool, publisher, attempts, outbox
        self._breaker, self._concurrency, self._limiter = breaker, concurrency, limiter
        self._shortest_retry, self._meters = shortest_retry, meters
        self._inbox: deque[tuple[Delivery, Job]] = deque()
        self._unreadable: deque[Delivery] = deque()
        self._arrived, self._freed = asyncio.Event(), asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._identity = Identity()
        self._sending = True
        self.pulse, self.beat_pulse = Pulse(), Pulse()

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self._running)

    @property
    def held(self) -> int:
        """Jobs that were delivered and not claimed yet."""
        return len(self._inbox)

    def take(self, delivery: Delivery) -> None:
        """Takes a delivery in. The connection's callback must not do more."""
        try:
            self._inbox.append((delivery, decode(Job, delivery.body)))
        except Unreadable as error:
            log.error("body unreadable", queue=topology.DISPATCHER_JOBS, detail=str(error))
            self._unreadable.append(delivery)
        self._arrived.set()

    async def run(self, consumer: Consumer, stop: asyncio.Event) -> None:
        """Claims and sends until `stop`, standing aside while the provider or the database is down."""
        backoff = Backoff()
        while not stop.is_set():
            self.pulse.beat()
            moment = asyncio.get_running_loop().time()
            if self._breaker.allowance(moment) <= 0 and self._breaker.state(moment) == "open":
                await self._stand_aside(consumer, self._breaker.seconds_open(moment), stop, "breaker open")
                continue
            try:
                await self._step()
                backoff.reset()
            except (*DATABASE_OUTAGES, *COLLISIONS) as error:
                await self._stand_aside(consumer, backoff.next(), stop, describe(error))

    async def finish(self, seconds: float) -> None:
        """At shutdown: let the running attempts end, then cancel them; each still gets its result."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=2)

    async def beat(self) -> None:
        """Say every second that this process is alive. Runs until cancelled."""
        while True:
            self.beat_pulse.beat()
            try:
                self._attempts.queued_retries = await store.beat(self._pool, self._identity.alive, self._sending)
            except DATABASE_OUTAGES as error:
                log.warning("beat put off", detail=describe(error))
            await asyncio.sleep(BEAT_SECONDS)

    async def _step(self) -> None:
        """Claims one batch, as large as there is room for, or wait a moment for room or for jobs."""
        while self._unreadable:
            await self._unreadable.popleft().reject()
            self._meters.dead["unreadable"].inc()
        self._drop_dead()
        if not self._inbox:
            await _wait(self._arrived)
            return
        room = await self._gather_room()
        if room <= 0:
            await _wait(self._freed)
            return
        batch = self._next_batch(min(room, CLAIM_AT_ONCE, self._burst()))
        if self._limiter is not None:
            await self._limiter.acquire(len(batch))
        await self._claim(batch)

    async def _gather_room(self) -> int:
        """Waits a moment for a quarter of the slots: one claim for many jobs costs little more than for one."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LINGER_SECONDS
        while (room := self._room()) < min(len(self._inbox), self._concurrency // 4) and loop.time() < until:
            await _wait(self._freed, until - loop.time())
        return room

    def _room(self) -> int:
        moment = asyncio.get_running_loop().time()
        if self._outbox.behind(moment) > CONFIRM_SECONDS or self._outbox.outstanding >= 2 * self._concurrency:
            return 0
        return min(self._concurrency - len(self._running), self._breaker.allowance(moment))

    def _burst(self) -> int:
        return CLAIM_AT_ONCE if self._limiter is None else max(int(self._limiter.max_rate), 1)

    def _drop_dead(self) -> None:
        """Forgets deliveries whose connection is gone: they come again."""
        if self._inbox and not self._inbox[0][0].alive:
            self._inbox = deque(item for item in self._inbox if item[0].alive)

    def _next_batch(self, size: int) -> dict[int, tuple[Delivery, Job]]:
        """Takes jobs from the inbox, each message once; a second job of a message waits for the next batch."""
        batch: dict[int, tuple[Delivery, Job]] = {}
        for _ in range(len(self._inbox)):
            if len(batch) >= size:
                break
            delivery, job = self._inbox.popleft()
            if job.message_id in batch:
                self._inbox.append((delivery, job))
            else:
                batch[job.message_id] = (delivery, job)
        return batch

    async def _claim(self, batch: dict[int, tuple[Delivery, Job]]) -> None:
        asked = asyncio.get_running_loop().time()
        worker = self._identity.current
        jobs = [(job.message_id, job.attempt, delivery.redelivered) for delivery, job in batch.values()]
        failpoints.reach("dispatcher.unclaimed")
        try:
            claims = await store.claim(self._pool, worker, jobs)
        except BaseException:
            self._inbox.extendleft(batch.values())
            self._identity.renew()
            raise
        self._meters.claimed(claims, asyncio.get_running_loop().time() - asked)
        _tell(claims, batch)
        # Sends first: a claim is fresh for 80 ms, and moving a job waits for a confirm.
        for claim in sorted(claims, key=lambda claim: claim.verdict != "send"):
            delivery, job = batch[claim.message_id]
            await self._obey(claim, delivery, job, asked)
        if any(claim.verdict == "locked" for claim in claims):
            await asyncio.sleep(LOCKED_SECONDS)

    async def _obey(self, claim: Claim, delivery: Delivery, job: Job, asked: float) -> None:
        """Does what the claim's verdict says of one job."""
        match claim.verdict:
            case "send":
                ticket = self._breaker.begin(asyncio.get_running_loop().time())
                self._start(Taken(delivery, job, claim, self._identity.current, ticket, asked))
            case "locked":
                self._inbox.append((delivery, job))
            case "busy":
                await self._move(delivery, job, Outgoing(topology.RETRY, self._shortest_retry, encode(job)))
            case "put back":
                await delivery.ack()
            case "over":
                await delivery.ack()

    def _start(self, taken: Taken) -> None:
        self._identity.hold(taken.worker)
        task = asyncio.create_task(self._see_through(taken))
        self._running.add(task)
        task.add_done_callback(partial(self._ended, taken))

    def _ended(self, taken: Taken, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._freed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("attempt failed", **taken.ids, exc_info=task.exception())

    async def _see_through(self, taken: Taken) -> None:
        result = await self._attempts.make(taken)
        if result is None:
            self._identity.let_go(taken.worker)
            self._inbox.appendleft((taken.delivery, taken.job))
            self._arrived.set()
            return

        async def confirmed() -> None:
            self._identity.let_go(taken.worker)
            await taken.delivery.ack()

        self._outbox.add(Entry(result, confirmed))

    async def _move(self, delivery: Delivery, job: Job, outgoing: Outgoing) -> None:
        """Publishes a job again elsewhere, then acknowledge. Unpublished, it stays ours and is judged again."""
        try:
            await self._publisher.publish(outgoing)
        except Unpublished as error:
            ids = {"mailing_id": job.mailing_id, "message_id": job.message_id, "attempt": job.attempt}
            log.warning("job not moved", **ids, key=outgoing.routing_key, detail=str(error))
            self.take(delivery)
        else:
            await delivery.ack()

    async def _stand_aside(self, consumer: Consumer, seconds: float, stop: asyncio.Event, why: str) -> None:
        """Stops consuming, put unstarted jobs back, wait, and consume again.

        Deliveries are not held meanwhile: the broker takes them back after 30 minutes, with its channel.
        """
        log.warning("standing aside", why=why, seconds=round(seconds, 1), unstarted=len(self._inbox))
        self._sending = False
        await consumer.pause()
        unstarted, self._inbox = self._inbox, deque()
        for delivery, job in unstarted:
            self.pulse.beat()
            if delivery.alive:
                await self._move(delivery, job, Outgoing(topology.JOBS, topology.SEND_KEY, encode(job)))
        await sleep_unless(stop, seconds)
        if not stop.is_set():
            await consumer.resume()
            self._sending = True
            log.info("consuming again")


def _tell(claims: Sequence[Claim], batch: Mapping[int, tuple[Delivery, Job]]) -> None:
    """Logs a batch of claims, in one line a verdict. Locked jobs are in the next batch, and told then."""
    by_verdict: dict[str, list[int]] = {}
    for claim in claims:
        by_verdict.setdefault(claim.verdict, []).append(claim.message_id)
    by_verdict.pop("locked", None)
    for verdict, message_ids in by_verdict.items():
        mailing_ids = sorted({batch[message_id][1].mailing_id for message_id in message_ids})
        if verdict == "send":
            log.info("jobs claimed", message_ids=message_ids, mailing_ids=mailing_ids)
        else:
            log.info("jobs not claimed", verdict=verdict, message_ids=message_ids, mailing_ids=mailing_ids)


async def _wait(event: asyncio.Event, seconds: float = LOOK_AGAIN_SECONDS) -> None:
    """Waits for the event, but look again soon: not everything that makes room sets it."""
    await sleep_unless(event, seconds)
    event.clear()
