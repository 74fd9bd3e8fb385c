"""Decides what follows a reply: the message is final, or is retried after a delay. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.dispatcher.provider_api.replies import Classification
from shared.statuses import FinalResultStatus

# A retry must leave this much time before the mailing's end, for the request itself.
LEAST_TIME_LEFT = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a message, with its final status."""

    status: FinalResultStatus
    reason: str | None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt, due after `delay`.

    Its job waits in the retry queue of that delay if `queued`, else its flight waits in the table.
    """

    delay: timedelta
    queued: bool
    failed: bool


Decision = Finish | Retry


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The configured delays, ascending, and how many failures exhaust a message."""

    delays: Sequence[timedelta]
    max_attempts: int


@dataclass(frozen=True, slots=True)
class RetryFacts:
    """The state of a message when its reply is there.

    `failures`: temporary failures of this round before this one. `left`: time until the mailing's end.
    `free`: the attempt is a probe of the breaker, and spends no budget. `queues_full`: the retry queues hold as many
    retries as they may.
    """

    failures: int
    left: timedelta
    free: bool = False
    queues_full: bool = False


def decide(classification: Classification, facts: RetryFacts, policy: RetryPolicy) -> Decision:
    """Decides what follows from a reply."""
    if classification.verdict == "accepted":
        return Finish("sent", None)
    if classification.verdict == "permanent":
        return Finish("rejected", classification.reason)
    failed = classification.verdict == "temporary" and not facts.free
    failures = facts.failures + failed
    if failed and failures >= policy.max_attempts:
        return Finish("exhausted", classification.reason, failed=True)
    return _retry_or_expire(classification, max(failures - 1, 0), failed, facts, policy)


def _retry_or_expire(
    classification: Classification, tier: int, failed: bool, facts: RetryFacts, policy: RetryPolicy
) -> Decision:
    tiers = policy.delays[: tier + 1]
    asked = classification.retry_after or timedelta(0)
    if asked > tiers[-1]:
        # The provider asked for more than the tier. No queue has just this delay, so the retry waits in the table.
        if facts.left - asked < LEAST_TIME_LEFT:
            return Finish("expired", f"{classification.reason}, retry only after the deadline", failed)
        return Retry(asked, queued=False, failed=failed)
    fitting = [delay for delay in tiers if delay >= asked and facts.left - delay >= LEAST_TIME_LEFT]
    if fitting:
        return Retry(fitting[-1], queued=not facts.queues_full, failed=failed)
    # No queue has a delay between Retry-After and the end, but in the table a retry can wait for any time.
    least = max(asked, policy.delays[0])
    if asked and facts.left - least >= LEAST_TIME_LEFT:
        return Retry(least, queued=False, failed=failed)
    return Finish("expired", f"{classification.reason}, no time left for a retry", failed)
