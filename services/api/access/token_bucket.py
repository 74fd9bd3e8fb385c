"""Token buckets, one a key, in bounded memory. Pure, but for what was taken."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

# Beyond so many keys the oldest are forgotten, which forgives them: memory comes first.
MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """`burst` at once, and `rate` a second in the long run."""

    rate: float
    burst: int


# Guessing a token of 256 bits is hopeless at any rate; this tells those who try with a wrong one to stop.
WRONG_TOKENS = RatePolicy(rate=20 / 60, burst=20)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a bucket answered. Times are in whole seconds, rounded up, as headers want them.

    `reset`: until the bucket is full again. `retry_after`: until there is one to take; None where one was taken.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int | None


class TokenBuckets:
    """All that is kept of a bucket is the moment at which it will be full: one that is full needs no keeping."""

    def __init__(
        self, policy: RatePolicy, *, most_keys: int = MOST_KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy
        self._most_keys = most_keys
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str) -> Allowance:
        """Takes one, if there is one."""
        now, rate, burst = self._clock(), self._policy.rate, self._policy.burst
        missing = max(self._full_at.get(key, now) - now, 0.0) * rate
        if missing + 1 > burst:
            wait = (missing + 1 - burst) / rate
            return Allowance(burst, 0, math.ceil(missing / rate), max(math.ceil(wait), 1))
        missing += 1
        self._keep(key, now + missing / rate, now)
        return Allowance(burst, int(burst - missing), math.ceil(missing / rate), None)

    def _keep(self, key: str, full_at: float, now: float) -> None:
        self._full_at[key] = full_at
        if len(self._full_at) > self._most_keys:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
            while len(self._full_at) > self._most_keys:
                del self._full_at[next(iter(self._full_at))]
