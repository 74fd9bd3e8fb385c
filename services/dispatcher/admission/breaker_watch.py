"""Publishes the breaker's state in the log, in the metrics and in the details of /readyz."""

import asyncio
from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Enum

from services.dispatcher.admission.breaker import Breaker, BreakerState
from shared import logs
from shared.health import Health

STATES: tuple[BreakerState, ...] = get_args(BreakerState)
LOOK_SECONDS = 0.2

log = logs.get()


class BreakerWatch:
    """A poll of the breaker, several times a second. An open breaker does not make the process unready."""

    def __init__(self, breaker: Breaker, health: Health, registry: CollectorRegistry) -> None:
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

    async def run(self, clock: Callable[[], float]) -> None:
        """Polls until cancelled."""
        while True:
            self.look(clock())
            await asyncio.sleep(LOOK_SECONDS)
