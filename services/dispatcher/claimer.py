"""Claims batches of jobs in the background, and obeys each verdict."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from services.dispatcher.admission.breaker import NO_EPOCH, Ticket
from services.dispatcher.admission.hold_up import HoldUp
from services.dispatcher.attempts import RunningAttempts
from services.dispatcher.claimed_job import ClaimedJob, ClaimTerms
from services.dispatcher.claims import store
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.claims.store import AskedJob
from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.providers import store as provider_store
from services.dispatcher.providers.fleet import Fleet, Postponed, Undeliverable
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.store import ProviderChoice
from services.dispatcher.requeue import Requeue
from services.dispatcher.retry import UNKNOWN
from shared import failpoints, logs
from shared.database import COLLISIONS, DATABASE_OUTAGES, Pool
from shared.waiting import Backoff

# Several claims are on their way only where the database is far away: else fewer and larger ones cost less.
MOST_CLAIMS, OVERLAP_SECONDS = 4, 0.02
LOCKED_SECONDS = 0.005
# A claim that takes longer is named as what holds sending up, if slots are free meanwhile.
SLOW_CLAIM_SECONDS = 0.1
# So many claims wait here at least for room in a lane; more of them wait in the table, for so long.
MOST_WAITING, CROWDED_SECONDS = 20, 5.0
# Of a claim whose request has not begun.
NO_TICKET = Ticket(NO_EPOCH, probe=False)

log = logs.get()


class Claimer:
    """The claims on their way. They reserve slots, `reserved`. `backoff` grows with claims that an outage ended."""

    def __init__(
        self,
        pool: Pool,
        intake: Intake,
        requeue: Requeue,
        attempts: RunningAttempts,
        fleet: Callable[[], Fleet],
        held: HeldClaims,
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
        self._fleet = fleet
        self._held = held
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
        """Claims a batch in the background. Its slots and its tokens of the rate limit are reserved meanwhile."""
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
                    await self._claim_apart({message_id: delivered})
                return
            for delivered in batch.values():
                log.error("job not claimable", **delivered.ids, exc_info=error)
                self._intake.set_aside(delivered)

    async def _claim(self, batch: dict[int, DeliveredJob]) -> None:
        terms = self._held.ask()
        jobs = [
            AskedJob(job.message_id, job.attempt, one.delivery.redelivered, job.failures, job.unsure, job.refused)
            for one in batch.values()
            for job in (one.job,)
        ]
        fleet, known = self._fleet(), False
        only = fleet.only
        provider = None if only is None else only.label
        try:
            claims = await store.claim(
                self._pool, terms.name, jobs, provider=provider, once=fleet.once, attributes=fleet.attributes
            )
            known = True
            self.backoff.reset()
            await self._obey_all(claims, batch, terms, fleet)
        except (*DATABASE_OUTAGES, *COLLISIONS) as error:
            # If only the choice of a provider was lost, nothing has begun: the claims fall stale with their name.
            self._failed, known = error, False
            self._intake.restore(batch.values())
        finally:
            self._held.answered(terms, known=known)

    async def _obey_all(
        self, claims: Sequence[Claim], batch: Mapping[int, DeliveredJob], terms: ClaimTerms, fleet: Fleet
    ) -> None:
        """Does what each verdict asks for. Sends come first: republishing a job waits for a confirm."""
        moment = self._clock()
        seconds = moment - terms.asked
        self._metrics.record_claim(claims, seconds)
        _log_claims(claims, batch)
        self._note_latency(claims, moment, seconds)
        sends = [
            ClaimedJob(batch[claim.message_id].delivery, batch[claim.message_id].job, claim, terms, NO_TICKET)
            for claim in claims
            if claim.verdict == "send"
        ]
        if sends:
            await self._dispatch(sends, fleet, moment)
        others = []
        for claim in claims:
            delivered = batch[claim.message_id]
            if claim.verdict == "lost":
                self._attempts.end_unsent(delivered, claim, f"{UNKNOWN}its dispatcher stopped", unsure=True)
            elif claim.verdict != "send":
                others.append((claim.verdict, delivered))
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

    async def _dispatch(self, jobs: Sequence[ClaimedJob], fleet: Fleet, moment: float) -> None:
        """Chooses a provider for each claim, writes the choices down where there are several, and starts."""
        choices = [(claimed, fleet.choose(claimed.claim, moment)) for claimed in jobs]
        if fleet.only is None:
            await self._record([(claimed, lane) for claimed, lane in choices if isinstance(lane, Lane)])
        for claimed, choice in choices:
            if isinstance(choice, Postponed):
                self._attempts.postpone(claimed, choice.seconds)
            elif isinstance(choice, Undeliverable):
                delivered = DeliveredJob(claimed.delivery, claimed.job)
                self._attempts.end_unsent(delivered, claimed.claim, choice.reason, unsure=choice.unsure)
            else:
                self._start_or_wait(claimed, choice, alone=fleet.only is not None and choice.unlimited)

    async def _record(self, chosen: Sequence[tuple[ClaimedJob, Lane]]) -> None:
        choices = [
            ProviderChoice(claimed.claim.message_id, claimed.claim.number, lane.name, not lane.mapping.deduplicates)
            for claimed, lane in chosen
        ]
        if choices:
            await provider_store.record_choices(self._pool, chosen[0][0].terms.name, choices)

    def _start_or_wait(self, claimed: ClaimedJob, lane: Lane, *, alone: bool) -> None:
        """Starts an attempt, or lets it wait for room in its lane; where many wait already, in the table.

        Of a lane `alone` without limits only what was claimed ahead waits, and all of it here.
        """
        waiting = lane.waiting
        if not waiting and self._attempts.fits(lane, self._clock(), claimed.claim.text):
            self._attempts.start(claimed, lane)
        elif alone or waiting < max(MOST_WAITING, 2 * lane.admission.limit):
            self._attempts.start(claimed, lane, wait=True)
        else:
            self._attempts.postpone(claimed, CROWDED_SECONDS)

    def _note_latency(self, claims: Sequence[Claim], moment: float, seconds: float) -> None:
        for lane in self._fleet().lanes.values():
            lane.limiter.allow_for(seconds)
            lane.look_ahead.record(moment, lane.ended, seconds)
        idle = self._attempts.under_way < self._concurrency // 2
        if seconds > SLOW_CLAIM_SECONDS and idle and self._intake.held:
            self._hold_up.note("database latency")
        if claims and all(claim.verdict == "put back" for claim in claims):
            self._hold_up.note("window" if all(claim.shut for claim in claims) else "paused")


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
