"""Names what holds sending up, in one log line, one metric and the detail of /readyz."""

import asyncio
from collections.abc import Callable
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Gauge

from shared import logs
from shared.health import Health

# In the order in which they count when several hold sending up. paused, window: of all jobs that are there, none may be
# sent now; some because their mailing is paused, or all because their client's window is closed.
AwayCause = Literal["breaker", "held", "drained"]
Cause = Literal["lease", "database", "broker", AwayCause, "rate", "database latency", "paused", "window"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
# What somebody has set, so that nothing is amiss: logged as info.
INTENDED: frozenset[Cause] = frozenset({"drained", "rate", "paused", "window"})
FLOWING = "flowing"
LOOK_SECONDS = 0.5
# A cause that was not noted for so long is over.
RECENT_SECONDS = 2.0
# The same cause is logged once in this time, with how often it came.
REPEAT_SECONDS = 60.0

log = logs.get()


class HoldUp:
    """What holds sending up now. Whoever is held up notes why, as often as it likes."""

    def __init__(self, health: Health, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._health = health
        self._clock = clock
        self._gauge = Gauge(
            "herald_sending_held_up", "1 for what holds sending up now, by cause.", ["cause"], registry=registry
        )
        for cause in CAUSES:
            self._gauge.labels(cause).set(0)
        self._noted: dict[Cause, float] = {}
        self._logged: dict[Cause, float] = {}
        self._times: dict[Cause, int] = dict.fromkeys(CAUSES, 0)
        self._active: Cause | None = None
        self._since = 0.0
        self._health.details["sending"] = FLOWING

    def note(self, cause: Cause) -> None:
        """Records that this cause holds sending up at this moment."""
        self._noted[cause] = self._clock()

    def look(self) -> None:
        """Publishes the cause if it changed."""
        moment = self._clock()
        recent = [cause for cause in CAUSES if moment - self._noted.get(cause, float("-inf")) < RECENT_SECONDS]
        active = recent[0] if recent else None
        if active == "lease" and self._health.parts.get("database") is False:
            # Without the database no lease is renewed.
            active = "database"
        if active == self._active:
            return
        before, since = self._active, self._since
        self._active, self._since = active, moment
        for cause in CAUSES:
            self._gauge.labels(cause).set(cause == active)
        self._health.details["sending"] = FLOWING if active is None else f"held up: {active}"
        if active is not None:
            self._log(active, moment)
        elif before is not None and self._logged.get(before) == since:
            log.info("sending flows", cause=before, seconds=round(moment - since, 1))

    async def run(self) -> None:
        """Looks twice a second until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def _log(self, cause: Cause, moment: float) -> None:
        self._times[cause] += 1
        if moment - self._logged.get(cause, float("-inf")) < REPEAT_SECONDS:
            return
        write_line = log.info if cause in INTENDED else log.warning
        write_line("sending held up", cause=cause, times=self._times[cause])
        self._logged[cause] = moment
        self._times[cause] = 0
