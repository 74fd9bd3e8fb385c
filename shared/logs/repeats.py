"""Sums lines about a cause that comes again and again: one at once, then one a minute with how often it came."""

import time
from collections.abc import Callable

REPEAT_SECONDS = 60.0
# A cause may quote a port or a moment, so that no two are alike. The oldest are forgotten.
MOST_CAUSES = 50


class RepeatedCauses:
    """The causes that were logged of late, and how often each has come since."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged_at: dict[str, float] = {}
        self._times: dict[str, int] = {}

    def count(self, cause: str) -> int:
        """Counts a cause. Returns how often it came since its last line if it is to be logged now, else 0."""
        moment = self._clock()
        times = self._times[cause] = self._times.get(cause, 0) + 1
        if cause in self._logged_at and moment - self._logged_at[cause] < REPEAT_SECONDS:
            return 0
        self._logged_at.pop(cause, None)
        self._logged_at[cause] = moment
        self._times[cause] = 0
        if len(self._logged_at) > MOST_CAUSES:
            oldest = next(iter(self._logged_at))
            del self._logged_at[oldest], self._times[oldest]
        return times

    def forget(self) -> None:
        """Forgets all causes: they are over, and when they come again, that is news."""
        self._logged_at.clear()
        self._times.clear()
