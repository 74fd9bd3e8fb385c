"""Computes how many messages should be in flight: 8 s of sending, and enough for every slot of a dispatcher. Pure."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 10.0
# A mailing that has just begun waits behind what is in flight, and must still be under way within seconds.
SECONDS_OF_SENDING = 8.0
# This many beyond those that are claimed: while the dispatchers have free slots the claimed ones grow, and with them
# the target. By the rate alone, a provider that takes longer than 8 s would hold it down to the least.
LEAST = 200
# Whoever finds no room looks again after this. What is in flight is counted row by row, which is not for 20 times a
# second while there are seconds of sending in flight.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.25


@dataclass(slots=True)
class FoldRate:
    """The rate of folded results over the last `window` seconds. Moments are seconds on a monotonic clock."""

    window: float
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def observe(self, moment: float, results: int) -> None:
        """Records the number of results ever folded at `moment`."""
        self._seen.append((moment, results))
        while len(self._seen) > 2 and self._seen[1][0] <= moment - self.window:
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        if len(self._seen) < 2:
            return 0.0
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return (after - before) / max(last - first, 1.0)


@dataclass(slots=True)
class FlowControl:
    """The target for messages in flight, by the rate at which results are folded and by the open claims."""

    highest: int
    _claimed: int = 0
    _rate: FoldRate = field(default_factory=lambda: FoldRate(WINDOW_SECONDS))

    def observe(self, moment: float, results: int, claimed: int = 0) -> None:
        """Records how many results were ever folded, and how many claims are open, at `moment` in monotonic seconds."""
        self._rate.observe(moment, results)
        self._claimed = claimed

    @property
    def rate(self) -> float:
        """Results folded per second, over the last 10 s."""
        return self._rate.per_second

    @property
    def target(self) -> int:
        """Messages that should be in flight."""
        return int(min(max(SECONDS_OF_SENDING * self.rate, self._claimed + LEAST), self.highest))

    def pause(self, missing: int) -> float:
        """Returns after how many seconds to look again, when `missing` messages must be folded before there is room.

        The rate is that of the last 10 s, so at the beginning, when little is in flight, it says nothing.
        """
        if SECONDS_OF_SENDING * self.rate <= self._claimed + LEAST:
            return SHORTEST_PAUSE
        return min(max(missing / self.rate, SHORTEST_PAUSE), LONGEST_PAUSE)
