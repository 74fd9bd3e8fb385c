"""What is done after a reply: finish, or try again, when and by which way. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from services.dispatcher.replies import Meaning

# A retry must leave this much before the end, for the request itself.
LEAST_TIME_LEFT = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finish:
    """The message is final."""

    status: Literal["sent", "rejected", "exhausted", "expired"]
    reason: str | None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt is due after `delay`: through the retry queue of that delay, or waiting in the table."""

    delay: timedelta
    queued: bool
    failed: bool


Decision = Finish | Retry


@dataclass(frozen=True, slots=True)
class Policy:
    delays: Sequence[timedelta]
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the message when the reply is there.

    `failures`: temporary failures of this round before this one. `left`: until the mailing's end.
    `free`: the attempt spends no budget, being a probe of the breaker. `queues_full`: too many retries wait
    in the queues already.
    """

    failures: int
    left: timedelta
    free: bool = False
    queues_full: bool = False


def decide(meaning: Meaning, facts: Facts, policy: Policy) -> Decision:
    """Decides what follows from a reply."""
    if meaning.verdict == "accepted":
        return Finish("sent", None)
    if meaning.verdict == "permanent":
        return Finish("rejected", meaning.reason)
    failed = meaning.verdict == "temporary" and not facts.free
    failures = facts.failures + failed
    if failed and failures >= policy.max_attempts:
        return Finish("exhausted", meaning.reason, failed=True)
    return _again(meaning, max(failures - 1, 0), failed, facts, policy)


def _again(meaning: Meaning, tier: int, failed: bool, facts: Facts, policy: Policy) -> Decision:
    tiers = policy.delays[: tier + 1]
    asked = meaning.retry_after or timedelta(0)
    if asked > tiers[-1]:
        # No queue has this delay, and the provider is to be taken at its word: the table can hold any.
        if facts.left - asked < LEAST_TIME_LEFT:
            return Finish("expired", f"{meaning.reason}, retry only after the deadline", failed)
        return Retry(asked, queued=False, failed=failed)
    fitting = [delay for delay in tiers if delay >= asked and facts.left - delay >= LEAST_TIME_LEFT]
    if fitting:
        return Retry(fitting[-1], queued=not facts.queues_full, failed=failed)
    # No queue's delay lies between what was asked for and the end; the table can hold just what was asked for.
    least = max(asked, policy.delays[0])
    if asked and facts.left - least >= LEAST_TIME_LEFT:
        return Retry(least, queued=False, failed=failed)
    return Finish("expired", f"{meaning.reason}, no time left for a retry", failed)
