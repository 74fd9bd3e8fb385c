"""The circuit breaker: when to stop sending because the provider is down, and when to probe. Pure."""

from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec

# The last 2 s are judged alone where they hold enough calls: a long healthy run must not outvote an outage.
RECENT_SECONDS, WINDOW_SECONDS = 2.0, 30.0
LEAST_CALLS = 20
# Up to this share of good calls is next to nothing. More is worth the calls: concurrency follows the share.
NEXT_TO_NOTHING = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 20.0
PROBES = (1, 4, 16)
UNLIMITED = 1_000_000
NO_EPOCH = -1

BreakerState = Literal["closed", "open", "half-open"]


class Ticket(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The admission of one call; no two are the same.

    Its end is ignored if the breaker has left the state (`epoch`) in which it began.
    """

    epoch: int
    probe: bool


class Breaker:
    """A circuit breaker that opens when next to nothing of the latest calls succeeded.

    Half-open, it probes with 1, then 4, then 16 calls, and opens again by the same rule.

    The latest calls are those of the last 2 s; where these are fewer than 20, as many more of the last 30 s as make
    20. With fewer than 20 calls it does not open. Moments are seconds on a monotonic clock. `jitter` returns a factor
    near 1.
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._calls: deque[tuple[int, int, int]] = deque()
        self._pause = FIRST_PAUSE
        self._opens_until = 0.0
        self._stage: int | None = None
        self._begun = 0
        self._ended = 0
        self._failed = 0
        self._epoch = 0
        self._open = False

    def state(self, moment: float) -> BreakerState:
        if self._open and moment < self._opens_until:
            return "open"
        return "half-open" if self._open or self._stage is not None else "closed"

    def allowance(self, moment: float) -> int:
        """Returns how many calls may begin now."""
        match self.state(moment):
            case "open":
                return 0
            case "closed":
                return UNLIMITED
            case _:
                return PROBES[self._stage or 0] - (self._begun if self._stage is not None else 0)

    def seconds_open(self, moment: float) -> float:
        return max(self._opens_until - moment, 0.0) if self._open else 0.0

    def begin(self, moment: float) -> Ticket:
        """Records that a call begins, and returns its ticket."""
        state = self.state(moment)
        if state == "open":
            # Claimed just before the breaker opened: its end must not count in the next state.
            return Ticket(NO_EPOCH, probe=False)
        if state == "half-open":
            if self._stage is None:
                self._enter(0)
            self._begun += 1
            return Ticket(self._epoch, probe=True)
        return Ticket(self._epoch, probe=False)

    def withdraw(self, ticket: Ticket) -> None:
        """Takes a call back that did not begin after all."""
        if ticket.epoch == self._epoch and ticket.probe:
            self._begun -= 1

    def end(self, moment: float, ticket: Ticket, *, failed: bool) -> None:
        """Records how a call ended. Slowness is not a failure; a timeout is."""
        if ticket.epoch != self._epoch:
            return
        if ticket.probe:
            self._end_probe(moment, failed)
            return
        calls, failures = self._count(moment, failed)
        if calls >= LEAST_CALLS and _hopeless(calls, failures):
            self.trip(moment)

    def trip(self, moment: float) -> None:
        """Opens the breaker now."""
        if self.state(moment) == "open":
            return
        self._opens_until = moment + self._pause * self._jitter()
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._open, self._stage = True, None
        self._epoch += 1
        self._calls.clear()

    def _enter(self, stage: int) -> None:
        self._open, self._stage = False, stage
        self._begun = 0
        self._ended = 0
        self._failed = 0
        self._epoch += 1

    def _end_probe(self, moment: float, failed: bool) -> None:
        """Judges a stage by the rule that opens: a provider that sometimes fails would never pass a stricter one."""
        stage = self._stage or 0
        self._ended += 1
        self._failed += failed
        if self._ended < PROBES[stage]:
            return
        if _hopeless(self._ended, self._failed):
            self.trip(moment)
        else:
            self._pass(stage)

    def _pass(self, stage: int) -> None:
        if stage + 1 < len(PROBES):
            self._enter(stage + 1)
        else:
            self._stage, self._pause = None, FIRST_PAUSE
            self._epoch += 1

    def _count(self, moment: float, failed: bool) -> tuple[int, int]:
        """Counts this call, and returns (calls, failures) of the latest. Counted by the second, to keep them few."""
        second = int(moment)
        if self._calls and self._calls[-1][0] == second:
            _, calls, failures = self._calls.pop()
        else:
            calls = failures = 0
        self._calls.append((second, calls + 1, failures + failed))
        while self._calls[0][0] < moment - WINDOW_SECONDS:
            self._calls.popleft()
        return self._latest(moment)

    def _latest(self, moment: float) -> tuple[int, int]:
        calls = failures = 0
        for second, ended, bad in reversed(self._calls):
            if calls >= LEAST_CALLS and second < moment - RECENT_SECONDS:
                break
            calls, failures = calls + ended, failures + bad
        return calls, failures


def _hopeless(calls: int, failures: int) -> bool:
    return calls - failures <= NEXT_TO_NOTHING * calls
