"""How many requests may run at once: fewer while the provider fails or slows down, more again by steps. Pure."""

from statistics import median

WINDOW_SECONDS = 1.0
LEAST_CALLS = 20
# A share of failures up to this is everyday trouble, and lowers nothing.
EVERYDAY_FAILURES = 0.1
# Of a new window in the share of failures that counts: a window of twenty calls alone says little.
NEW_SHARE = 0.3
# Down by a share of itself, up by a share of the most.
DOWN_BY_FAILURES, DOWN_BY_LATENCY = 0.8, 0.9
STEP_UP = 0.05
# The provider is slow when the median is twice what it was, and a tenth of a second more: less is noise.
SLOW_FACTOR, SLOW_SECONDS = 2.0, 0.1
# What it was falls quickly and rises slowly, so that a provider that stays slower is no longer called slow.
FASTER_SHARE, SLOWER_SHARE = 0.5, 0.05
# Latency alone takes no more than half: a provider may be slow for reasons that are not ours.
LEAST_BY_LATENCY = 0.5
SAMPLES = 500


class AdaptiveConcurrency:
    """The limit of requests at once, from 1 to `most`.

    It is judged in windows of a second that hold at least 20 calls. While more than a tenth of the calls fail it falls
    towards the share that succeeds, so that a provider of which half the replies fail gets half of the requests;
    while latency is beside what it was it falls towards half. Otherwise it rises.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._usual: float | None = None
        self._failing = 0.0
        self._window_began: float | None = None
        self._calls = 0
        self._failed = 0
        self._latencies: list[float] = []

    @property
    def limit(self) -> int:
        return max(int(self._limit), 1)

    @property
    def most(self) -> int:
        return self._most

    @property
    def failing(self) -> float:
        """The share of calls that failed, of late."""
        return self._failing

    def record(self, moment: float, seconds: float, *, failed: bool) -> None:
        """Records how a call ended, at a moment on a monotonic clock, and after how many seconds."""
        if self._window_began is None:
            self._window_began = moment
        self._calls += 1
        if failed:
            self._failed += 1
        elif len(self._latencies) < SAMPLES:
            self._latencies.append(seconds)
        if self._calls >= LEAST_CALLS and moment - self._window_began >= WINDOW_SECONDS:
            self._judge()
            self._window_began = None

    def restart(self) -> None:
        """Begins anew at the most, as when the breaker has closed."""
        self._limit, self._failing = float(self._most), 0.0
        self._forget_window()

    def _judge(self) -> None:
        share = self._failed / self._calls
        self._failing += (share - self._failing) * NEW_SHARE
        slow = self._is_slow()
        ceiling = self._most * (1 - self._failing) if self._failing > EVERYDAY_FAILURES else float(self._most)
        if self._limit > ceiling:
            self._limit = max(self._limit * DOWN_BY_FAILURES, ceiling)
        elif slow:
            self._limit = max(self._limit * DOWN_BY_LATENCY, min(self._limit, self._most * LEAST_BY_LATENCY))
        else:
            self._limit = min(self._limit + max(self._most * STEP_UP, 1), ceiling)
        self._forget_window()

    def _is_slow(self) -> bool:
        """Compares the window's median with what it was, and moves that."""
        if not self._latencies:
            return False
        now = median(self._latencies)
        if self._usual is None:
            self._usual = now
        slow = now > self._usual * SLOW_FACTOR and now > self._usual + SLOW_SECONDS
        self._usual += (now - self._usual) * (FASTER_SHARE if now < self._usual else SLOWER_SHARE)
        return slow

    def _forget_window(self) -> None:
        self._window_began = None
        self._calls = self._failed = 0
        self._latencies.clear()
