"""Decides what follows a reply: the message is final, or is retried after a delay. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.dispatcher.provider_api.replies import Classification
from shared.statuses import FinalResultStatus

# A retry must leave this much time before the mailing's end, for the request itself.
LEAST_TIME_LEFT = timedelta(seconds=2)
# Which of the delays is the longest, counted from 0, after attempts that were certainly not taken.
LONGEST_FREE_TIER = 1
# A provider that asks to be left alone for longer is away: other providers of the route take its messages.
LONGEST_HELD = timedelta(minutes=10)
# Begins the reason of a message that the provider may have taken.
UNKNOWN = "outcome unknown: "


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a message, with its final status."""

    status: FinalResultStatus
    reason: str | None
    failed: bool = False

    @property
    def dead_letter(self) -> bool:
        """Whether the job is worth another look. Where the outcome is unknown, replaying it would repeat a message."""
        return self.status == "exhausted" and not (self.reason or "").startswith(UNKNOWN)


SENT = Finish("sent", None)


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt, due after `delay`.

    Its job waits in the retry queue of that delay if `queued`, else its flight waits in the table. There it may be due
    only after the mailing's end: then closing settles it, unless the end is moved.
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

    `failures`: temporary failures of this round before this one. `left`: time until the mailing's end. `number`: of
    the attempt. `queues_full`: the retry queues hold as many retries as they may.
    `deduplicates`: the provider drops a second request of the same message. `unsure`: it may have taken an attempt
    before this one. `others`: another provider could take the message.
    """

    failures: int
    left: timedelta
    number: int = 1
    queues_full: bool = False
    deduplicates: bool = True
    unsure: bool = False
    others: bool = False


def decide(classification: Classification, facts: RetryFacts, policy: RetryPolicy) -> Decision:
    """Decides what follows from a reply."""
    verdict = classification.verdict
    if verdict == "accepted" or (verdict == "duplicate" and facts.unsure):
        return SENT
    others = facts.others and not facts.unsure
    if verdict == "permanent":
        if classification.elsewhere and others:
            return _retry(classification, 0, False, facts, policy)
        return Finish("rejected", classification.reason)
    if others and classification.not_taken and (classification.retry_after or timedelta(0)) > LONGEST_HELD:
        # The provider is away by then, and another one need not wait for it.
        classification = replace(classification, retry_after=None)
    unknown = verdict in {"unknown", "duplicate"}
    failed = classification.spends_budget
    failures = facts.failures + failed
    if (failed and failures >= policy.max_attempts) or (unknown and not facts.deduplicates):
        # An attempt before this one may have arrived, too.
        return Finish("exhausted", UNKNOWN * (unknown or facts.unsure) + classification.reason, failed=True)
    return _retry(classification, _tier(classification, failures, facts.number), failed, facts, policy)


def _tier(classification: Classification, failures: int, number: int) -> int:
    """Returns which delay comes next: that of the failures so far.

    A message that was not taken again and again spends no budget, and is not asked about at the shortest delay for
    ever; nor ever at a long one, since the provider may be back at any moment.
    """
    free = classification.verdict in {"temporary", "throttled"} and not classification.spends_budget
    again = number - 1 if free else 0
    return max(failures - 1, min(again, LONGEST_FREE_TIER), 0)


def _retry(classification: Classification, tier: int, failed: bool, facts: RetryFacts, policy: RetryPolicy) -> Retry:
    """Chooses the delay. Only closing expires a message: a retry that the end leaves no time for waits in the table."""
    tiers = policy.delays[: tier + 1]
    asked = classification.retry_after or timedelta(0)
    if asked > tiers[-1]:
        # The provider asked for more than the tier. No queue has just this delay, so the retry waits in the table.
        return Retry(asked, queued=False, failed=failed)
    fitting = [delay for delay in tiers if delay >= asked and facts.left - delay >= LEAST_TIME_LEFT]
    if fitting:
        return Retry(fitting[-1], queued=not facts.queues_full, failed=failed)
    # No queue has a delay between Retry-After and the end, but in the table a retry can wait for any time.
    return Retry(max(asked, policy.delays[0]), queued=False, failed=failed)
