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
# A provider that is overloaded answers as many calls as before when fewer run at once. If after three steps it answers
# less than this share of them, its latency, or that of a busy machine, is none of our doing, and fewer calls only lose.
STEPS_BY_LATENCY, UNHARMED = 3, 0.87
SAMPLES = 500


class AdaptiveConcurrency:
    """The limit of requests at once, from 1 to `most`.

    It is judged in windows of a second that hold at least 20 calls. While more than a tenth of the calls fail it falls
    towards the share that succeeds, so that a provider of which half the replies fail gets half of the requests. When
    latency is twice what it was, it falls by three steps, and stays there only if that costs no calls. Otherwise it
    rises.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._usual: float | None = None
        # While it is lowered for latency: the limit and the calls a second of before, and the steps down since.
        self._before: tuple[float, float] | None = None
        self._steps = 0
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
            self._judge(self._calls / (moment - self._window_began))
            self._forget_window()

    def restart(self) -> None:
        """Begins anew at the most, as when the breaker has closed."""
        self._limit, self._failing = float(self._most), 0.0
        self._before, self._steps = None, 0
        self._forget_window()

    def _judge(self, rate: float) -> None:
        """Moves the limit after a window in which `rate` calls a second ended."""
        self._failing += (self._failed / self._calls - self._failing) * NEW_SHARE
        slow = self._is_slow()
        ceiling = self._most * (1 - self._failing) if self._failing > EVERYDAY_FAILURES else float(self._most)
        if self._limit > ceiling:
            self._limit = max(self._limit * DOWN_BY_FAILURES, ceiling)
        elif slow:
            self._lower_for_latency(rate)
        else:
            self._before, self._steps = None, 0
            self._limit = min(self._limit + max(self._most * STEP_UP, 1), ceiling)

    def _lower_for_latency(self, rate: float) -> None:
        if self._before is None:
            self._before = (self._limit, rate)
        limit, before = self._before
        if self._steps < STEPS_BY_LATENCY:
            self._steps += 1
            self._limit = max(self._limit * DOWN_BY_LATENCY, 1)
        elif rate < before * UNHARMED:
            # It only lost calls. The latency of now is what it is from now on.
            self._limit, self._before, self._steps = limit, None, 0
            self._usual = median(self._latencies)

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
