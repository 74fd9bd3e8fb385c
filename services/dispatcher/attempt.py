"""One attempt, from the claim to its result: send, classify, decide, act."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from msgspec import structs

from services.dispatcher.admission.admission import Admission
from services.dispatcher.attempt_result import build_refused, build_result, build_unsettled, failure_fields
from services.dispatcher.claimed_job import ClaimedJob, SentRequest
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.metrics import Metrics
from services.dispatcher.provider_api.pending_request import NotBegun
from services.dispatcher.provider_api.provider import Provider
from services.dispatcher.provider_api.replies import Classification, Reply, classify
from services.dispatcher.queued_retries import QueuedRetries
from services.dispatcher.retry import Decision, Finish, Retry, RetryFacts, RetryPolicy, decide
from shared import failpoints, logs, topology
from shared.broker import Outgoing, Publisher, Unpublished
from shared.messages import Result, encode

# The reply must be there, and its result on its way, before the mailing ends.
MARGIN_SECONDS = 0.25
# More retries than this wait in the table, not on the broker.
MOST_QUEUED_RETRIES = 50_000

log = logs.get()


class AttemptRunner:
    """The runner of attempts. It holds no database connection while it waits for the provider."""

    def __init__(
        self,
        held: HeldClaims,
        publisher: Publisher,
        provider: Provider,
        admission: Admission,
        policy: RetryPolicy,
        retries: QueuedRetries,
        metrics: Metrics,
        *,
        timeout: float,
        token: str,
        clock: Callable[[], float],
    ) -> None:
        self._held = held
        self._publisher = publisher
        self._provider = provider
        self._admission = admission
        self._policy = policy
        self._retries = retries
        self._metrics = metrics
        self._timeout = timeout
        self._token = token
        self._clock = clock

    async def run(self, claimed: ClaimedJob) -> Result | None:
        """Makes one attempt and returns its result; None when its request did not begin. Raises nothing.

        It may be cancelled: then its claim is to be given back, or the process stops.
        """
        if claimed.claim.refusal is not None:
            return self._refuse(claimed, claimed.claim.refusal)
        try:
            sent = await self._send(claimed)
        except NotBegun:
            return None
        self._metrics.margin.observe(claimed.claim.seconds_left - sent.begun_after)
        classification = _classify(claimed, sent)
        self._record_in_admission(claimed, sent, classification)
        try:
            decision = decide(classification, self._facts(claimed, sent), self._policy)
            decision = await self._act(claimed, sent, decision)
            result = build_result(claimed, sent, classification, decision, token=self._token)
            self._log_end(claimed, sent, classification, decision, result)
        except Exception as error:
            log.error("attempt crashed", **claimed.ids, exc_info=error)
            result = build_unsettled(claimed, sent, self._policy.delays[0])
        return result

    def _refuse(self, claimed: ClaimedJob, reason: str) -> Result | None:
        """Ends an attempt whose text cannot be rendered, unless an edit was heard that may have mended that."""
        if not self._held.may_begin(claimed, self._clock() + MARGIN_SECONDS):
            return None
        result = build_refused(claimed, reason)
        self._metrics.attempts[result.outcome].inc()
        log.info("text not rendered", **claimed.ids, reason=reason, status=result.status)
        return result

    async def _send(self, claimed: ClaimedJob) -> SentRequest:
        """Sends the request. Raises NotBegun where it may not begin, or Herald failed before it did."""
        failpoints.reach("dispatcher.claimed")
        claim, asked = claimed.claim, claimed.terms.asked
        began = self._clock()
        deadline = min(began + self._timeout, asked + claim.seconds_left - MARGIN_SECONDS)
        log.debug("request begins", **claimed.ids, timeout_s=round(deadline - began, 2))

        def may_begin() -> bool:
            nonlocal began
            began = self._clock()
            return self._held.may_begin(claimed, deadline)

        try:
            reply = await self._provider.send(
                claim.message_id, claim.phone, claim.text, deadline=deadline, may_begin=may_begin
            )
        except asyncio.CancelledError:
            if self._held.holds(claimed):
                raise NotBegun from None
            # Only shutdown cancels a request. It may have arrived: that counts as a reply that did not come.
            reply = Reply("timeout", detail="the process stopped before the reply")
        except NotBegun:
            raise
        except Exception as error:
            log.error("attempt crashed", **claimed.ids, exc_info=error)
            if self._held.holds(claimed):
                self._held.fail(claimed)
                raise NotBegun from None
            reply = Reply("broken", detail=type(error).__name__)
        # With a reply that says that no connection was made, the attempt has ended as well.
        self._held.let_go(claimed)
        failpoints.reach("dispatcher.replied")
        return SentRequest(reply, began - asked, self._clock() - began)

    def _record_in_admission(self, claimed: ClaimedJob, sent: SentRequest, classification: Classification) -> None:
        moment = self._clock()
        if classification.verdict == "misconfigured":
            variable = "HERALD_PROVIDER_TOKEN"
            log.error("provider refused the token", **claimed.ids, outcome=classification.outcome, variable=variable)
            self._admission.trip(moment, claimed.ticket)
        else:
            failed = classification.verdict == "temporary"
            self._admission.end(moment, claimed.ticket, seconds=sent.seconds, failed=failed)

    def _facts(self, claimed: ClaimedJob, sent: SentRequest) -> RetryFacts:
        return RetryFacts(
            failures=claimed.claim.failures,
            left=timedelta(seconds=claimed.claim.seconds_left - sent.begun_after - sent.seconds),
            number=claimed.claim.number,
            queues_full=self._retries.count >= MOST_QUEUED_RETRIES,
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
        failures = claimed.claim.failures + decision.failed
        job = structs.replace(claimed.job, attempt=claimed.claim.number + 1, failures=failures)
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


def _classify(claimed: ClaimedJob, sent: SentRequest) -> Classification:
    """Classifies the reply. One that Herald itself fails on may have been a success."""
    try:
        return classify(sent.reply)
    except Exception as error:
        log.error("attempt crashed", **claimed.ids, exc_info=error)
        return Classification("temporary", "broken", "reply not understood")
