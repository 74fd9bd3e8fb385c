"""Publishes what admission decides in the log, in the metrics and in the details of /readyz."""

import asyncio
from collections.abc import Callable
from typing import Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Enum

from services.dispatcher.admission.breaker import BreakerState
from shared import logs
from shared.health import Health

STATES: tuple[BreakerState, ...] = get_args(BreakerState)
LOOK_SECONDS = 0.2
# From here on the limit, and no longer the number of messages, decides how fast they are sent.
LOW_SHARE = 0.6

log = logs.get()


class WatchedBreaker(Protocol):
    """A breaker, or several as one."""

    def state(self, moment: float) -> BreakerState:
        """Returns its state at this moment."""
        ...

    def seconds_open(self, moment: float) -> float:
        """Returns for how many seconds it will be open."""
        ...


class WatchedConcurrency(Protocol):
    """A limit of requests at once, or the sum of several."""

    @property
    def limit(self) -> int: ...

    @property
    def most(self) -> int: ...

    @property
    def failing(self) -> float: ...


class BreakerWatch:
    """A poll of the breaker, several times a second. An open breaker does not make the process unready."""

    def __init__(self, breaker: WatchedBreaker, health: Health, registry: CollectorRegistry) -> None:
        self._breaker = breaker
        self._health = health
        self._metric = Enum("herald_breaker", "State of the circuit breaker.", states=list(STATES), registry=registry)
        self._openings = Counter("herald_breaker_openings", "Times the breaker opened.", registry=registry)
        self._state: BreakerState = "closed"
        self._health.details["breaker"] = self._state

    def look(self, moment: float) -> None:
        """Publishes the state if it changed. `moment` is in seconds on a monotonic clock."""
        state = self._breaker.state(moment)
        if state == self._state:
            return
        self._state = state
        self._metric.state(state)
        self._openings.inc(state == "open")
        self._health.details["breaker"] = state
        write_line = log.info if state == "closed" else log.warning
        write_line("breaker changed", state=state, seconds=round(self._breaker.seconds_open(moment), 1))


class ConcurrencyWatch:
    """A poll of the limit of requests at once: one line when it has become low, one when it is back."""

    def __init__(self, concurrency: WatchedConcurrency, health: Health) -> None:
        self._concurrency = concurrency
        self._health = health
        self._low = False

    def look(self) -> None:
        """Logs the limit if it became low or high. While it is low, the details of /readyz show it."""
        limit, most = self._concurrency.limit, self._concurrency.most
        if not self._low and limit <= most * LOW_SHARE and limit < most:
            self._low = True
            log.warning("concurrency lowered", limit=limit, most=most, failing=round(self._concurrency.failing, 2))
        elif self._low and limit == most:
            self._low = False
            self._health.details.pop("concurrency", None)
            log.info("concurrency restored", limit=limit)
        if self._low:
            self._health.details["concurrency"] = f"{limit} of {most}"


async def watch_admission(breaker: BreakerWatch, concurrency: ConcurrencyWatch, clock: Callable[[], float]) -> None:
    """Polls both until cancelled."""
    while True:
        breaker.look(clock())
        concurrency.look()
        await asyncio.sleep(LOOK_SECONDS)
