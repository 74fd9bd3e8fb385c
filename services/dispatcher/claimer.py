"""Claims batches of jobs in the background, and obeys each verdict."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.hold_up import HoldUp
from services.dispatcher.admission.rate_limit import RateLimit
from services.dispatcher.attempts import RunningAttempts
from services.dispatcher.claimed_job import ClaimedJob, ClaimTerms
from services.dispatcher.claims import store
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.claims.store import AskedJob
from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.requeue import Requeue
from shared import failpoints, logs
from shared.database import COLLISIONS, DATABASE_OUTAGES, Pool
from shared.waiting import Backoff

# Several claims are on their way only where the database is far away: else fewer and larger ones cost less.
MOST_CLAIMS, OVERLAP_SECONDS = 4, 0.02
LOCKED_SECONDS = 0.005
# A claim that takes longer is named as what holds sending up, if slots are free meanwhile.
SLOW_CLAIM_SECONDS = 0.1

log = logs.get()


class Claimer:
    """The claims on their way. They reserve slots, `reserved`. `backoff` grows with claims that an outage ended."""

    def __init__(
        self,
        pool: Pool,
        intake: Intake,
        requeue: Requeue,
        attempts: RunningAttempts,
        admission: Admission,
        held: HeldClaims,
        limiter: RateLimit,
        hold_up: HoldUp,
        metrics: Metrics,
        *,
        concurrency: int,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._intake = intake
        self._requeue = requeue
        self._attempts = attempts
        self._admission = admission
        self._held = held
        self._limiter = limiter
        self._hold_up = hold_up
        self._metrics = metrics
        self._concurrency = concurrency
        self._clock = clock
        self._under_way: dict[asyncio.Task[None], float] = {}
        self._failed: BaseException | None = None
        self.reserved = 0
        self.backoff = Backoff()

    def may_ask(self, moment: float) -> bool:
        """Returns whether another claim may be on its way."""
        under_way = self._under_way
        if not under_way:
            return True
        return len(under_way) < MOST_CLAIMS and all(moment - asked >= OVERLAP_SECONDS for asked in under_way.values())

    def take_failure(self) -> BaseException | None:
        """Returns the outage of the database that ended a claim since the last call; None if there was none."""
        failed, self._failed = self._failed, None
        return failed

    def ask(self, batch: dict[int, DeliveredJob]) -> None:
        """Claims a batch in the background. Its slots and its tokens of the rate limit are taken meanwhile."""
        self._limiter.take(len(batch))
        self.reserved += len(batch)
        failpoints.reach("dispatcher.unclaimed")
        task = asyncio.create_task(self._claim_apart(batch))
        self._under_way[task] = self._clock()
        task.add_done_callback(partial(self._answered, len(batch)))

    async def wait(self, seconds: float) -> None:
        """Waits for the claims on their way, for `seconds` at most."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    def _answered(self, jobs: int, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self.reserved -= jobs
        self._attempts.freed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("claim crashed", exc_info=task.exception())

    async def _claim_apart(self, batch: dict[int, DeliveredJob]) -> None:
        """Claims a batch. If the database refuses it, each job alone; one that it still refuses is set aside."""
        try:
            await self._claim(batch)
        except Exception as error:
            if len(batch) > 1:
                log.warning("batch not claimable", jobs=len(batch), kind=type(error).__name__)
                for message_id, delivered in batch.items():
                    self._limiter.take(1)
                    await self._claim_apart({message_id: delivered})
                return
            for delivered in batch.values():
                log.error("job not claimable", **delivered.ids, exc_info=error)
                self._intake.set_aside(delivered)

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
            self.backoff.reset()
            await self._obey_all(claims, batch, terms)
        except (*DATABASE_OUTAGES, *COLLISIONS) as error:
            self._failed = error
            self._intake.restore(batch.values())
        finally:
            self._held.answered(terms, known=known)
            self._limiter.put_back(len(batch) - sent)

    async def _obey_all(self, claims: Sequence[Claim], batch: Mapping[int, DeliveredJob], terms: ClaimTerms) -> None:
        """Does what each verdict asks for. Sends come first: republishing a job waits for a confirm."""
        moment = self._clock()
        seconds = moment - terms.asked
        self._metrics.record_claim(claims, seconds)
        _log_claims(claims, batch)
        self._note_latency(claims, seconds)
        others = []
        for claim in claims:
            if claim.verdict == "send":
                delivered = batch[claim.message_id]
                ticket = self._admission.begin(moment)
                self._attempts.start(ClaimedJob(delivered.delivery, delivered.job, claim, terms, ticket))
            else:
                others.append((claim.verdict, batch[claim.message_id]))
        for verdict, delivered in others:
            if verdict == "locked":
                self._intake.put_last(delivered)
            elif verdict == "damaged":
                self._intake.reject_damaged(delivered)
            elif verdict != "busy":
                delivered.delivery.ack()
        await self._requeue.send_round([delivered for verdict, delivered in others if verdict == "busy"])
        if any(verdict == "locked" for verdict, _ in others):
            await asyncio.sleep(LOCKED_SECONDS)

    def _note_latency(self, claims: Sequence[Claim], seconds: float) -> None:
        self._limiter.allow_for(seconds)
        idle = self._attempts.under_way < self._concurrency // 2
        if seconds > SLOW_CLAIM_SECONDS and idle and self._intake.held:
            self._hold_up.note("database latency")
        if claims and all(claim.verdict == "put back" for claim in claims):
            self._hold_up.note("paused")


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
