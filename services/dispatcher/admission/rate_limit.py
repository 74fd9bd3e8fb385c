"""The limit of requests per second, and the number of deliveries to hold for it."""

import math
from collections.abc import Callable

TICK_SECONDS, LONGEST_TICK_SECONDS = 0.1, 1.0
# A delivery must not wait here for long: other mailings wait behind it, and after 30 min the broker takes it back.
PREFETCH_SECONDS = 5
UNLIMITED = 1_000_000
# Results that are gathered or on their way to the broker at a few thousand a second.
MOST_UNCONFIRMED = 300


class RateLimit:
    """A limit to `rate` requests a second, as tokens: one for each request.

    A tenth of a second's tokens are kept at the most, or one; none at first, so that no burst goes out. Tokens of
    jobs that are not sent after all are put back.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._most = max(rate * TICK_SECONDS, 1.0)
        self._tokens = 0.0
        self._at = clock()

    @property
    def available(self) -> int:
        """Requests that may be claimed for now."""
        moment = self._clock()
        if self._tokens < self._most:
            self._tokens = min(self._tokens + (moment - self._at) * self._rate, self._most)
        self._at = moment
        return int(self._tokens)

    def take(self, requests: int) -> None:
        self._tokens -= requests

    def put_back(self, requests: int) -> None:
        self._tokens += requests

    def allow_for(self, seconds: float) -> None:
        """Keeps the tokens of so many seconds, since that is how long a claim takes."""
        self._most = max(self._rate * min(max(seconds, TICK_SECONDS), LONGEST_TICK_SECONDS), 1.0)


class NoLimit(RateLimit):
    """The limit that is none."""

    def __init__(self) -> None:
        super().__init__(UNLIMITED, lambda: 0.0)

    @property
    def available(self) -> int:
        return UNLIMITED

    def take(self, requests: int) -> None:
        """Takes nothing."""

    def put_back(self, requests: int) -> None:
        """Puts nothing back."""

    def allow_for(self, seconds: float) -> None:
        """Keeps nothing."""


def make_limit(rate: float | None, clock: Callable[[], float]) -> RateLimit:
    """Makes the limit to `rate` requests a second; None is unlimited."""
    return NoLimit() if rate is None else RateLimit(rate, clock)


def prefetch(concurrency: int, rate: float | None) -> int:
    """Returns how many deliveries to hold: enough for every slot to find its next job, no more than are sent soon.

    A delivery is held until its result is confirmed, too, which a fast provider makes a large part of the time.
    """
    most = 2 * concurrency + min(2 * concurrency, MOST_UNCONFIRMED)
    return most if rate is None else min(most, math.ceil(PREFETCH_SECONDS * rate))
