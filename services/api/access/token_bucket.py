"""Token buckets, one for each key, in bounded memory."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

# Beyond this number the oldest keys are dropped, and with them what they used: memory is bounded first.
MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """Allows `burst` requests at once, and `rate` requests per second in the long run."""

    rate: float
    burst: int


# Guessing a token of 256 bits is hopeless at any rate; the limit stops clients that keep sending a wrong one.
WRONG_TOKENS = RatePolicy(rate=20 / 60, burst=20)
# Failed sign-ins and refused tokens that are recorded as events, of all addresses together: anybody can cause them.
REFUSALS = RatePolicy(rate=1, burst=100)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The answer of a bucket. Times are whole seconds, rounded up, as the headers need them.

    `reset`: seconds until the bucket is full. `retry_after`: seconds until a request is allowed; None if this one was.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int | None


class TokenBuckets:
    """Token buckets by key. Only the moment at which a bucket will be full is kept, and nothing of full ones."""

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
        """Takes one request from a bucket, if it has one."""
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
