"""The limit of requests per second, and the number of deliveries to hold for it."""

import asyncio
import math
from collections.abc import Callable

TICK_SECONDS = 0.1
# A delivery must not wait here for long: other mailings wait behind it, and after 30 min the broker takes it back.
PREFETCH_SECONDS = 5


class RateLimit:
    """A bucket of tokens, one a request, that fills at `rate` tokens a second up to `burst`.

    It holds a tenth of a second of them, or one, and starts empty, so that no burst goes out first. `clock` returns
    seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self.burst = max(rate * TICK_SECONDS, 1.0)
        self._tokens = 0.0
        self._filled_at = clock()

    @property
    def tokens(self) -> float:
        """Tokens that are there now."""
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._filled_at) * self._rate, self.burst)
        self._filled_at = now
        return self._tokens

    async def take(self, number: int) -> None:
        """Waits for that many tokens, at most `burst`, and takes them. One caller at a time."""
        missing = number - self.tokens
        if missing > 0:
            await asyncio.sleep(missing / self._rate)
        # A sleep that ended a little early leaves a debt, which the next one waits for.
        self._tokens = self.tokens - number

    def give_back(self, number: int) -> None:
        """Gives tokens back for which no request was made."""
        self._tokens = min(self.tokens + number, self.burst)


def make_limit(rate: float | None, clock: Callable[[], float]) -> RateLimit | None:
    """Makes the limit to `rate` requests a second; None is unlimited."""
    return None if rate is None else RateLimit(rate, clock)


def prefetch(concurrency: int, rate: float | None) -> int:
    """Returns how many deliveries to hold: enough for every slot to find its next job, no more than are sent soon."""
    return 2 * concurrency if rate is None else min(2 * concurrency, math.ceil(PREFETCH_SECONDS * rate))
