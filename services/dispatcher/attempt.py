"""One attempt, from the claim to its result: send, classify, decide, act."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from logging import DEBUG

from msgspec import structs

from services.dispatcher.admission.rate_limit import NO_GRANT, RateGrant
from services.dispatcher.attempt_result import (
    build_refused,
    build_result,
    build_unsettled,
    failure_fields,
    learned,
)
from services.dispatcher.attempt_trace import AttemptTrace, begin_trace
from services.dispatcher.claimed_job import ClaimedJob, SentRequest
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.metrics import Metrics
from services.dispatcher.provider_api.pending_request import PendingRequest
from services.dispatcher.provider_api.replies import Classification, Reply
from services.dispatcher.providers.fleet import Fleet
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.mapping import TooLate
from services.dispatcher.providers.message_values import MessageValues
from services.dispatcher.queued_retries import QueuedRetries
from services.dispatcher.retry import SENT, Decision, Finish, Retry, RetryFacts, RetryPolicy, decide
from shared import failpoints, logs, topology, tracing
from shared.broker import Outgoing, Publisher, Unpublished
from shared.messages import Result, encode

# The reply must be there, and its result on its way, before the mailing ends.
MARGIN_SECONDS = 0.25
# More retries than this wait in the table, not on the broker.
MOST_QUEUED_RETRIES = 50_000
TOO_LATE = "less time left than the provider allows a message"

log = logs.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTools:
    """What all attempts of a process share. `clock` is that of the claims.

    `fleet` returns the providers of now, and `announce` has all dispatchers hold or slow one that throttles.
    """

    held: HeldClaims
    publisher: Publisher
    fleet: Callable[[], Fleet]
    announce: Callable[[Lane, timedelta | None], None]
    policy: RetryPolicy
    retries: QueuedRetries
    metrics: Metrics
    clock: Callable[[], float]


class AttemptRun:
    """One attempt of a claimed job, through one lane.

    It holds no database connection, and no task, while it waits for the provider.

    `on_end` is called once, with the result, or with None when the request did not begin, or when Herald failed in a
    way that leaves no result. Whatever calls an attempt gets no error from it.
    """

    __slots__ = (
        "_began",
        "_deadline",
        "_ended",
        "_on_end",
        "_pending",
        "_replied",
        "_tools",
        "_trace",
        "_values",
        "claimed",
        "grant",
        "lane",
    )

    def __init__(
        self,
        tools: AttemptTools,
        claimed: ClaimedJob,
        lane: Lane,
        on_end: "Callable[[AttemptRun, Result | None], None]",
    ) -> None:
        self._tools = tools
        self.claimed = claimed
        self.lane = lane
        self.grant: RateGrant = NO_GRANT
        self._values: MessageValues | None = None
        self._on_end = on_end
        self._pending: PendingRequest | None = None
        self._began = self._deadline = 0.0
        self._replied = self._ended = False
        self._trace: AttemptTrace | None = None

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def traceparent(self) -> str | None:
        """The context in which the result is folded; None where the message is not traced."""
        return None if self._trace is None else self._trace.traceparent

    def start(self) -> None:
        """Sends the request as soon as there is a connection. It may end within this call."""
        if self.claimed.claim.refusal is not None:
            self._refuse(self.claimed.claim.refusal)
            return
        failpoints.reach("dispatcher.claimed")
        claim, mapping = self.claimed.claim, self.lane.mapping
        self._began = self._tools.clock()
        end = self.claimed.terms.asked + claim.seconds_left
        self._deadline = min(self._began + mapping.timeout, end - MARGIN_SECONDS)
        if log.is_enabled_for(DEBUG):
            log.debug("request begins", **self.claimed.ids, timeout_s=round(self._deadline - self._began, 2))
        try:
            self._values = mapping.values_of(claim, end - self._began)
            self._pending = self.lane.send(self._values, deadline=self._deadline, owner=self)
        except TooLate:
            self._wait_for_the_end(end)
        except Exception as error:
            self._crash(error)

    def _refuse(self, reason: str) -> None:
        """Rejects a message whose text cannot be rendered, unless an edit was heard that may have mended that."""
        moment = self._tools.clock()
        if not self._tools.held.may_begin(self.claimed, moment + MARGIN_SECONDS):
            self._end(None)
            return
        self._replied = True
        result = build_refused(self.claimed, reason)
        self._tools.metrics.attempts[result.outcome].inc()
        log.info("text not rendered", **self.claimed.ids, reason=reason, status=result.status)
        self._end(result)

    def cancel(self) -> None:
        """Ends the attempt, as an edit does before its request begins, and the shutdown also after that.

        One whose reply is there goes on: what follows from it is on its way to the broker.
        """
        if self._replied or self._ended:
            return
        pending, self._pending = self._pending, None
        if pending is not None:
            self.lane.client.cancel(pending)
        if self._tools.held.holds(self.claimed):
            self._end(None)
        else:
            # It may have arrived: that counts as a reply that did not come.
            self.on_reply(Reply("timeout", detail="the process stopped before the reply"))

    # What the client of the provider calls.

    def may_begin(self) -> bool:
        """Says whether the request may begin. If so, it has begun."""
        self._began = self._tools.clock()
        if not self._tools.held.may_begin(self.claimed, self._deadline):
            return False
        self.grant.begin(self._began)
        return True

    def on_not_begun(self, error: Exception | None) -> None:
        """Leaves the claim to be given back."""
        if error is not None:
            self._crash(error)
        else:
            self._end(None)

    def on_reply(self, reply: Reply) -> None:
        """Does what follows from the reply."""
        if self._replied or self._ended:
            return
        self._replied = True
        sent = None
        try:
            # With a reply that says that no connection was made, the attempt has ended as well.
            self._tools.held.let_go(self.claimed)
            failpoints.reach("dispatcher.replied")
            sent = SentRequest(reply, self._began - self.claimed.terms.asked, self._tools.clock() - self._began)
            self._decide(sent)
        except Exception as error:
            self._fail(sent, error)

    def _decide(self, sent: SentRequest) -> None:
        tools, claimed = self._tools, self.claimed
        tools.metrics.margin.observe(claimed.claim.seconds_left - sent.begun_after)
        classification = self._classify(sent.reply)
        self._trace = begin_trace(claimed, self.lane, sent, classification)
        self._record_in_lane(sent, classification)
        if classification.verdict == "accepted":
            # Nothing is to be weighed, and most replies are so.
            self._finish(sent, classification, SENT)
            return
        decision = decide(classification, self._facts(sent), tools.policy)
        if isinstance(decision, Retry) and decision.queued:
            self._queue_retry(sent, classification, decision)
        elif isinstance(decision, Finish) and decision.dead_letter:
            self._dead_letter(sent, classification, decision)
        else:
            self._finish(sent, classification, decision)

    def _classify(self, reply: Reply) -> Classification:
        """Classifies the reply. One that Herald itself fails on may have been a success."""
        try:
            return self.lane.classify(self.claimed.claim.message_id, reply, self._values)
        except Exception as error:
            log.error("attempt crashed", **self.claimed.ids, exc_info=error)
            return Classification("unknown", "broken", "reply not understood")

    def _record_in_lane(self, sent: SentRequest, classification: Classification) -> None:
        lane, claimed = self.lane, self.claimed
        lane.record(self._tools.clock(), claimed.ticket, self.grant, sent.seconds, classification)
        if classification.verdict == "throttled":
            self._tools.announce(lane, classification.retry_after)
        elif classification.verdict == "hold" and lane.label is None:
            variable = "HERALD_PROVIDER_TOKEN"
            # Hundreds of requests may be open when a token runs out.
            if times := lane.refusals.count("token"):
                fields = {**claimed.ids, "outcome": classification.outcome}
                log.error("provider refused the token", **fields, variable=variable, times=times)
        elif classification.verdict == "hold" and (times := lane.refusals.count(classification.reason or "")):
            fields = {**claimed.ids, "reason": classification.reason}
            log.error("provider refused our account", **fields, provider=lane.label, times=times)

    def _wait_for_the_end(self, end: float) -> None:
        """Has a message wait in the table for which less time is left than the provider takes as its validity.

        Nothing was sent. Only closing expires it, since the end may be moved.
        """
        self._replied = True
        self._tools.held.let_go(self.claimed)
        found = Classification("temporary", "too_late", TOO_LATE, not_taken=True)
        sent = SentRequest(Reply("unreachable", detail="not sent"), self._began - self.claimed.terms.asked, 0.0)
        try:
            self._finish(sent, found, Retry(timedelta(seconds=end - self._began), queued=False, failed=False))
        except Exception as error:
            self._fail(sent, error)

    def _facts(self, sent: SentRequest) -> RetryFacts:
        claim, lane = self.claimed.claim, self.lane
        return RetryFacts(
            failures=claim.failures,
            left=timedelta(seconds=claim.seconds_left - sent.begun_after - sent.seconds),
            number=claim.number,
            queues_full=self._tools.retries.count >= MOST_QUEUED_RETRIES,
            deduplicates=lane.mapping.deduplicates,
            unsure=claim.unsure,
            others=self._tools.fleet().others(claim, lane),
        )

    def _queue_retry(self, sent: SentRequest, classification: Classification, decision: Retry) -> None:
        """Publishes the retry. Its result follows once it is confirmed; one that is not waits in the table."""
        name = topology.retry_queue(decision.delay)
        claimed = self.claimed
        job = structs.replace(
            claimed.job,
            attempt=claimed.claim.number + 1,
            failures=claimed.claim.failures + decision.failed,
            **learned(claimed.claim, self.lane, classification),
        )

        def settle(error: Unpublished | None) -> None:
            if error is None:
                failpoints.reach("dispatcher.retry_published")
                self._finish(sent, classification, decision)
            else:
                log.warning("retry waits in the table", **claimed.ids, detail=str(error))
                self._finish(sent, classification, Retry(decision.delay, queued=False, failed=decision.failed))

        headers = tracing.headers_of(self.traceparent)
        self._publish(sent, Outgoing(topology.RETRY, name, encode(job), headers), settle)

    def _dead_letter(self, sent: SentRequest, classification: Classification, decision: Finish) -> None:
        """Publishes the job of an exhausted message to the dead queue.

        A failure is only logged: the tables have the truth.
        """
        claimed, job = self.claimed, self.claimed.job
        headers: dict[str, str | int] = {
            "mailing_id": job.mailing_id,
            "message_id": job.message_id,
            "reason": f"exhausted: {decision.reason}",
            "at": sent.ended_at(claimed.claim).isoformat(),
        }

        def settle(error: Unpublished | None) -> None:
            if error is None:
                self._tools.metrics.dead["exhausted"].inc()
            else:
                log.warning("dead letter not published", **claimed.ids, detail=str(error))
            self._finish(sent, classification, decision)

        self._publish(sent, Outgoing(topology.DEAD, topology.DISPATCHER_DEAD, encode(job), headers), settle)

    def _publish(self, sent: SentRequest, outgoing: Outgoing, settle: Callable[[Unpublished | None], None]) -> None:
        self._tools.publisher.publish_soon(outgoing, partial(self._guard, sent, settle))

    def _guard(
        self, sent: SentRequest, settle: Callable[[Unpublished | None], None], error: Unpublished | None
    ) -> None:
        try:
            settle(error)
        except Exception as fault:
            self._fail(sent, fault)

    def _finish(self, sent: SentRequest, classification: Classification, decision: Decision) -> None:
        result = build_result(self.claimed, sent, classification, decision, self.lane)
        self._log_end(sent, classification, decision, result)
        self._end(result)

    def _log_end(self, sent: SentRequest, classification: Classification, decision: Decision, result: Result) -> None:
        metrics, claimed = self._tools.metrics, self.claimed
        metrics.attempts[classification.outcome].inc()
        metrics.duration.observe(sent.seconds)
        accepted = classification.verdict == "accepted"
        metrics.provider_attempts[self.lane.name, classification.verdict].inc()
        log.info(
            "attempt ended",
            **claimed.ids,
            outcome=classification.outcome,
            http_status=sent.reply.http_status,
            duration_ms=result.duration_ms,
            status=result.status,
            **({} if self.lane.label is None else {"provider": self.lane.label}),
            # A success has nothing to add, since its code was 0; and at least nine of ten lines are successes.
            **({} if accepted else failure_fields(claimed, classification, decision, result)),
        )

    def _crash(self, error: Exception) -> None:
        """Ends an attempt on which the client failed: before its request began, or after."""
        log.error("attempt crashed", **self.claimed.ids, exc_info=error)
        if self._tools.held.holds(self.claimed):
            self._tools.held.fail(self.claimed)
            self._end(None)
        else:
            self.on_reply(Reply("broken", detail=type(error).__name__))

    def _fail(self, sent: SentRequest | None, error: Exception) -> None:
        """Ends an attempt with a reply on which Herald failed: it may have arrived, and is tried again."""
        log.error("attempt crashed", **self.claimed.ids, exc_info=error)
        result = None
        if sent is not None:
            result = build_unsettled(self.claimed, sent, self._tools.policy.delays[0], self.lane)
        self._end(result)

    def _end(self, result: Result | None) -> None:
        if not self._ended:
            self._ended = True
            if self._trace is not None:
                self._trace.end(result)
            self._on_end(self, result)
