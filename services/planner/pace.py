"""How many messages may be in flight: about 8 s of sending, by the rate of the last 10 s. Pure."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 10.0
# A mailing that has just begun waits behind what is in flight. It shall be under way within seconds.
SECONDS_OF_SENDING = 8.0
LEAST = 200


@dataclass(slots=True)
class Pace:
    """Watches the number of results ever folded, and says how many messages should be in flight.

    Moments are seconds on a monotonic clock.
    """

    highest: int
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def observe(self, moment: float, results: int) -> None:
        """Take note of the number of results ever folded at `moment`."""
        self._seen.append((moment, results))
        while len(self._seen) > 2 and self._seen[1][0] <= moment - WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Results folded a second, over the last 10 s."""
        if len(self._seen) < 2:
            return 0.0
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return (after - before) / max(last - first, 1.0)

    @property
    def target(self) -> int:
        """Messages that should be in flight."""
        return int(min(max(SECONDS_OF_SENDING * self.rate, LEAST), self.highest))
