"""Shows the breaker's state where people look: in the log, in the metrics and in the detail of /readyz."""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Enum

from services.dispatcher.breaker import Breaker, State
from shared import logs
from shared.health import Health

STATES: tuple[State, ...] = ("closed", "open", "half-open")
LOOK_SECONDS = 0.2

log = logs.get()


class BreakerWatch:
    """Looks at the breaker several times a second. An open breaker is not unready: it is a detail, no part."""

    def __init__(self, breaker: Breaker, health: Health, registry: CollectorRegistry) -> None:
        self._breaker, self._health = breaker, health
        self._metric = Enum("herald_breaker", "State of the circuit breaker.", states=list(STATES), registry=registry)
        self._openings = Counter("herald_breaker_openings", "Times the breaker opened.", registry=registry)
        self._state: State = "closed"
        self._health.details["breaker"] = self._state

    def look(self, moment: float) -> None:
        """Tell of the state, and log it where it changed. `moment` is in seconds on a monotonic clock."""
        state = self._breaker.state(moment)
        if state == self._state:
            return
        self._state = state
        self._metric.state(state)
        self._openings.inc(state == "open")
        self._health.details["breaker"] = state
        write_line = log.info if state == "closed" else log.warning
        write_line("breaker changed", state=state, seconds=round(self._breaker.seconds_open(moment), 1))

    async def run(self, clock: Callable[[], float]) -> None:
        """Looks until cancelled."""
        while True:
            self.look(clock())
            await asyncio.sleep(LOOK_SECONDS)
