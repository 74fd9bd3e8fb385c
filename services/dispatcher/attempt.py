"""One attempt, from the claim to its result: send, classify, decide, act."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatcher import store
from services.dispatcher.breaker import Breaker, Ticket
from services.dispatcher.metrics import Meters
from services.dispatcher.provider import Provider
from services.dispatcher.replies import Meaning, Reply, read
from services.dispatcher.retry import Decision, Facts, Finish, Policy, Retry, decide
from services.dispatcher.scrub import scrub
from services.dispatcher.store import Claim
from shared import failpoints, logs, topology
from shared.broker import Delivery, Outgoing, Publisher, Unpublished
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.messages import Job, Result, encode
from shared.waiting import Backoff

# A claim is only as fresh as this when its request begins: an edit or a cancel acts within 100 ms.
FRESH_SECONDS = 0.08
# The reply must be there, and its result on its way, before the mailing ends.
MARGIN_SECONDS = 0.25
# More retries than this wait in the table, not on the broker.
MOST_QUEUED_RETRIES = 50_000

log = logs.get()


@dataclass(frozen=True, slots=True)
class Taken:
    """A job whose claim said "send". `asked` is the monotonic moment before the claim was sent."""

    delivery: Delivery
    job: Job
    claim: Claim
    worker: UUID
    ticket: Ticket
    asked: float

    @property
    def ids(self) -> dict[str, int | str | None]:
        """What every log line of this attempt carries."""
        return {
            "mailing_id": self.job.mailing_id,
            "message_id": self.job.message_id,
            "client_id": self.job.client_id,
            "attempt": self.claim.number,
            "request_id": self.claim.request_id,
        }


@dataclass(frozen=True, slots=True)
class Call:
    """How the request went: began so many seconds after `asked`, and took so long."""

    reply: Reply
    after: float
    seconds: float

    def started_at(self, claim: Claim) -> datetime:
        """When the request began, on the database's clock."""
        return claim.claimed_at + timedelta(seconds=self.after)

    def ended_at(self, claim: Claim) -> datetime:
        return self.started_at(claim) + timedelta(seconds=self.seconds)


class Attempts:
    """Makes attempts. Holds no database connection while it waits for the provider."""

    def __init__(
        self,
        pool: Pool,
        publisher: Publisher,
        provider: Provider,
        breaker: Breaker,
        policy: Policy,
        meters: Meters,
        *,
        timeout: float,
        secret: str,
        clock: Callable[[], float],
    ) -> None:
        self._pool, self._publisher, self._provider = pool, publisher, provider
        self._breaker, self._policy, self._meters = breaker, policy, meters
        self._timeout, self._secret, self._clock = timeout, secret, clock
        self.queued_retries = 0

    async def make(self, taken: Taken) -> Result | None:
        """Makes one attempt and returns its result; None when it did not begin and the job must go again."""
        after = self._clock() - taken.asked
        seconds = min(self._timeout, taken.claim.seconds_left - MARGIN_SECONDS - after)
        if after > FRESH_SECONDS or seconds <= 0:
            self._breaker.withdraw(taken.ticket)
            log.info("claim given back", **taken.ids, claimed_ms_ago=round(after * 1000))
            await self._unclaim(taken)
            return None
        self._meters.margin.observe(taken.claim.seconds_left - after)
        call = await self._call(taken, after, seconds)
        meaning = read(call.reply)
        self._tell_breaker(taken, meaning)
        decision = decide(meaning, self._facts(taken, call), self._policy)
        decision = await self._act(taken, call, decision)
        result = self._result(taken, call, meaning, decision)
        self._report(taken, call, meaning, decision, result)
        return result

    async def _call(self, taken: Taken, after: float, seconds: float) -> Call:
        failpoints.reach("dispatcher.claimed")
        began = self._clock()
        claim = taken.claim
        log.debug("request begins", **taken.ids, timeout_s=round(seconds, 2))
        try:
            reply = await self._provider.send(claim.message_id, claim.phone, claim.text, seconds)
        except asyncio.CancelledError:
            # Only shutdown cancels a request. It may have arrived: that counts as a reply that did not come.
            reply = Reply("timeout", detail="the process stopped before the reply")
        failpoints.reach("dispatcher.replied")
        return Call(reply, after, self._clock() - began)

    async def _unclaim(self, taken: Taken) -> None:
        """Gives a claim back whose request did not begin, however long the database is away.

        A claim that stays open under a live worker would never be taken over.
        """
        backoff = Backoff()
        while True:
            try:
                await store.unclaim(self._pool, taken.worker, taken.claim.message_id, taken.claim.number)
                return
            except DATABASE_OUTAGES as error:
                log.warning("unclaim put off", **taken.ids, detail=describe(error))
            await asyncio.sleep(backoff.next())

    def _tell_breaker(self, taken: Taken, meaning: Meaning) -> None:
        moment = self._clock()
        if meaning.verdict == "misconfigured":
            variable = "HERALD_PROVIDER_TOKEN"
            log.error("provider refuses our token", **taken.ids, outcome=meaning.outcome, variable=variable)
            self._breaker.trip(moment)
        else:
            self._breaker.end(moment, taken.ticket, failed=meaning.verdict == "temporary")

    def _facts(self, taken: Taken, call: Call) -> Facts:
        return Facts(
            failures=taken.claim.failures,
            left=timedelta(seconds=taken.claim.seconds_left - call.after - call.seconds),
            free=taken.ticket.probe,
            queues_full=self.queued_retries >= MOST_QUEUED_RETRIES,
        )

    async def _act(self, taken: Taken, call: Call, decision: Decision) -> Decision:
        """Puts the decision on the broker. A retry that cannot be published waits in the table."""
        if isinstance(decision, Finish):
            if decision.status == "exhausted":
                await self._bury(taken, call, decision)
            return decision
        if not decision.queued:
            return decision
        name = topology.retry_queue(decision.delay)
        job = taken.job.model_copy(update={"attempt": taken.claim.number + 1})
        try:
            await self._publisher.publish(Outgoing(topology.RETRY, name, encode(job)))
        except Unpublished as error:
            log.warning("retry waits in the table", **taken.ids, detail=str(error))
            return Retry(decision.delay, queued=False, failed=decision.failed)
        failpoints.reach("dispatcher.retry_published")
        return decision

    async def _bury(self, taken: Taken, call: Call, decision: Finish) -> None:
        """Dead-letter the job of an exhausted message. The tables have the truth, so a failure is only logged."""
        job = taken.job
        headers: dict[str, str | int] = {
            "mailing_id": job.mailing_id,
            "message_id": job.message_id,
            "reason": f"exhausted: {decision.reason}",
            "at": call.ended_at(taken.claim).isoformat(),
        }
        try:
            await self._publisher.publish(Outgoing(topology.DEAD, topology.DISPATCHER_DEAD, encode(job), headers))
        except Unpublished as error:
            log.warning("dead letter not published", **taken.ids, detail=str(error))
        else:
            self._meters.dead["exhausted"].inc()

    def _report(self, taken: Taken, call: Call, meaning: Meaning, decision: Decision, result: Result) -> None:
        self._meters.attempts[meaning.outcome].inc()
        self._meters.duration.observe(call.seconds)
        log.info(
            "attempt ended",
            **taken.ids,
            outcome=meaning.outcome,
            http_status=call.reply.http_status,
            duration_ms=result.duration_ms,
            status=result.status,
            # Of a success there is no more to tell: its code was 0, and it is at least nine of ten lines.
            **({} if meaning.verdict == "accepted" else _why(taken, meaning, decision, result)),
        )

    def _result(self, taken: Taken, call: Call, meaning: Meaning, decision: Decision) -> Result:
        claim, job = taken.claim, taken.job
        finish = decision if isinstance(decision, Finish) else None
        retry = decision if isinstance(decision, Retry) else None
        return Result(
            message_id=job.message_id,
            mailing_id=job.mailing_id,
            client_id=job.client_id,
            number=claim.number,
            status=finish.status if finish else "retrying",
            outcome=meaning.outcome,
            started_at=call.started_at(claim),
            duration_ms=round(call.seconds * 1000),
            http_status=call.reply.http_status,
            reason=finish.reason if finish else None,
            detail=self._detail(taken, call, meaning),
            failed=decision.failed,
            queued=retry.queued if retry else False,
            due_at=call.ended_at(claim) + retry.delay if retry else None,
            request_id=claim.request_id,
        )

    def _detail(self, taken: Taken, call: Call, meaning: Meaning) -> str | None:
        if meaning.verdict == "accepted":
            return None
        said = scrub(
            call.reply.detail or call.reply.body.decode("utf-8", "replace"),
            phone=taken.claim.phone,
            text=taken.claim.text,
            token=self._secret,
        )
        return f"{meaning.reason}: {said}" if said else meaning.reason


def _why(taken: Taken, meaning: Meaning, decision: Decision, result: Result) -> dict[str, object]:
    """What the log tells of a failure: what the provider said, cut and scrubbed, and what follows from it."""
    told: dict[str, object] = {"verdict": meaning.verdict, "said": result.detail, "reason": result.reason}
    told |= {"failures": taken.claim.failures + result.failed, "spends_budget": result.failed}
    if meaning.retry_after is not None:
        told["retry_after_s"] = meaning.retry_after.total_seconds()
    if isinstance(decision, Retry):
        told |= {"retry_in_s": decision.delay.total_seconds(), "due_at": result.due_at, "queued": decision.queued}
    return told
