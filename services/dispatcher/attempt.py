"""One attempt, from the claim to its result: send, classify, decide, act."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from services.dispatcher import store
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.attempt_result import build_result, failure_fields
from services.dispatcher.claimed_job import ClaimedJob, SentRequest
from services.dispatcher.metrics import Metrics
from services.dispatcher.provider_api.pending_request import NotBegun
from services.dispatcher.provider_api.provider import Provider
from services.dispatcher.provider_api.replies import Classification, Reply, classify
from services.dispatcher.retry import Decision, Finish, Retry, RetryFacts, RetryPolicy, decide
from shared import failpoints, logs, topology
from shared.broker import Outgoing, Publisher, Unpublished
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.messages import Result, encode
from shared.waiting import Backoff

# A claim is only as fresh as this when its request begins: an edit or a cancel acts within 100 ms.
FRESH_SECONDS = 0.08
# The reply must be there, and its result on its way, before the mailing ends.
MARGIN_SECONDS = 0.25
# More retries than this wait in the table, not on the broker.
MOST_QUEUED_RETRIES = 50_000

log = logs.get()


class AttemptRunner:
    """The runner of attempts. It holds no database connection while it waits for the provider.

    `queued_retries` is how many flights waited in the retry queues at the last beat.
    """

    def __init__(
        self,
        pool: Pool,
        publisher: Publisher,
        provider: Provider,
        breaker: Breaker,
        policy: RetryPolicy,
        metrics: Metrics,
        *,
        timeout: float,
        token: str,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._provider = provider
        self._breaker = breaker
        self._policy = policy
        self._metrics = metrics
        self._timeout = timeout
        self._token = token
        self._clock = clock
        self.queued_retries = 0

    async def run(self, claimed: ClaimedJob) -> Result | None:
        """Makes one attempt and returns its result; None when it did not begin and the job must be claimed again."""
        after = self._clock() - claimed.asked
        seconds = min(self._timeout, claimed.claim.seconds_left - MARGIN_SECONDS - after)
        try:
            sent = await self._send(claimed, after, seconds)
        except NotBegun:
            await self._give_back(claimed)
            return None
        self._metrics.margin.observe(claimed.claim.seconds_left - sent.begun_after)
        classification = classify(sent.reply)
        self._record_in_breaker(claimed, classification)
        decision = decide(classification, self._facts(claimed, sent), self._policy)
        decision = await self._act(claimed, sent, decision)
        result = build_result(claimed, sent, classification, decision, token=self._token)
        self._log_end(claimed, sent, classification, decision, result)
        return result

    async def _send(self, claimed: ClaimedJob, after: float, seconds: float) -> SentRequest:
        """Sends the request, or raises NotBegun where the claim is no longer fresh once a connection is there."""
        if after > FRESH_SECONDS or seconds <= 0:
            raise NotBegun
        failpoints.reach("dispatcher.claimed")
        claim = claimed.claim
        began = claimed.asked + after
        log.debug("request begins", **claimed.ids, timeout_s=round(seconds, 2))

        def may_begin() -> bool:
            nonlocal began
            began = self._clock()
            return began - claimed.asked <= FRESH_SECONDS

        try:
            reply = await self._provider.send(
                claim.message_id, claim.phone, claim.text, deadline=began + seconds, may_begin=may_begin
            )
        except asyncio.CancelledError:
            # Only shutdown cancels a request. It may have arrived: that counts as a reply that did not come.
            reply = Reply("timeout", detail="the process stopped before the reply")
        failpoints.reach("dispatcher.replied")
        return SentRequest(reply, began - claimed.asked, self._clock() - began)

    async def _give_back(self, claimed: ClaimedJob) -> None:
        self._breaker.withdraw(claimed.ticket)
        log.info("claim given back", **claimed.ids, claimed_ms_ago=round((self._clock() - claimed.asked) * 1000))
        await self._unclaim(claimed)

    async def _unclaim(self, claimed: ClaimedJob) -> None:
        """Gives a claim back whose request did not begin, however long the database is away.

        A claim that stays open under a live worker would never be taken over.
        """
        backoff = Backoff()
        while True:
            try:
                await store.unclaim(self._pool, claimed.worker, claimed.claim.message_id, claimed.claim.number)
                return
            except DATABASE_OUTAGES as error:
                log.warning("unclaim delayed", **claimed.ids, detail=describe(error))
            await asyncio.sleep(backoff.next())

    def _record_in_breaker(self, claimed: ClaimedJob, classification: Classification) -> None:
        moment = self._clock()
        if classification.verdict == "misconfigured":
            variable = "HERALD_PROVIDER_TOKEN"
            log.error("provider refused the token", **claimed.ids, outcome=classification.outcome, variable=variable)
            self._breaker.trip(moment)
        else:
            self._breaker.end(moment, claimed.ticket, failed=classification.verdict == "temporary")

    def _facts(self, claimed: ClaimedJob, sent: SentRequest) -> RetryFacts:
        return RetryFacts(
            failures=claimed.claim.failures,
            left=timedelta(seconds=claimed.claim.seconds_left - sent.begun_after - sent.seconds),
            free=claimed.ticket.probe,
            queues_full=self.queued_retries >= MOST_QUEUED_RETRIES,
        )

    async def _act(self, claimed: ClaimedJob, sent: SentRequest, decision: Decision) -> Decision:
        """Publishes the retry or the dead letter. A retry that cannot be published waits in the table."""
        if isinstance(decision, Finish):
            if decision.status == "exhausted":
                await self._dead_letter(claimed, sent, decision)
            return decision
        if not decision.queued:
            return decision
        name = topology.retry_queue(decision.delay)
        job = claimed.job.model_copy(update={"attempt": claimed.claim.number + 1})
        try:
            await self._publisher.publish(Outgoing(topology.RETRY, name, encode(job)))
        except Unpublished as error:
            log.warning("retry waits in the table", **claimed.ids, detail=str(error))
            return Retry(decision.delay, queued=False, failed=decision.failed)
        failpoints.reach("dispatcher.retry_published")
        return decision

    async def _dead_letter(self, claimed: ClaimedJob, sent: SentRequest, decision: Finish) -> None:
        """Publishes the job of an exhausted message to the dead queue.

        A failure is only logged: the tables have the truth.
        """
        job = claimed.job
        headers: dict[str, str | int] = {
            "mailing_id": job.mailing_id,
            "message_id": job.message_id,
            "reason": f"exhausted: {decision.reason}",
            "at": sent.ended_at(claimed.claim).isoformat(),
        }
        try:
            await self._publisher.publish(Outgoing(topology.DEAD, topology.DISPATCHER_DEAD, encode(job), headers))
        except Unpublished as error:
            log.warning("dead letter not published", **claimed.ids, detail=str(error))
        else:
            self._metrics.dead["exhausted"].inc()

    def _log_end(
        self, claimed: ClaimedJob, sent: SentRequest, classification: Classification, decision: Decision, result: Result
    ) -> None:
        self._metrics.attempts[classification.outcome].inc()
        self._metrics.duration.observe(sent.seconds)
        accepted = classification.verdict == "accepted"
        log.info(
            "attempt ended",
            **claimed.ids,
            outcome=classification.outcome,
            http_status=sent.reply.http_status,
            duration_ms=result.duration_ms,
            status=result.status,
            # A success has nothing to add, since its code was 0; and at least nine of ten lines are successes.
            **({} if accepted else failure_fields(claimed, classification, decision, result)),
        )
