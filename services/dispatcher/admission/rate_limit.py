"""The limit of requests per second, and the number of deliveries to hold for it."""

import math

from aiolimiter import AsyncLimiter

TICK_SECONDS = 0.1
# A delivery must not wait here for long: other mailings wait behind it, and after 30 min the broker takes it back.
PREFETCH_SECONDS = 5


async def make_limiter(rate: float | None) -> AsyncLimiter | None:
    """Makes the limit to `rate` requests a second; None is unlimited.

    It refills in steps of a tenth of a second or of one request, and starts empty, so that no burst goes out first.
    """
    if rate is None:
        return None
    amount = max(rate * TICK_SECONDS, 1.0)
    limiter = AsyncLimiter(amount, amount / rate)
    await limiter.acquire(amount)
    return limiter


def prefetch(concurrency: int, rate: float | None) -> int:
    """Returns how many deliveries to hold: enough for every slot to find its next job, no more than are sent soon."""
    return 2 * concurrency if rate is None else min(2 * concurrency, math.ceil(PREFETCH_SECONDS * rate))
