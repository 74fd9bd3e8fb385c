"""Work that fails on its data is set aside for a while, so that the rest goes on."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

import asyncpg

from services.planner.metrics import Metrics
from shared import logs
from shared.database import COLLISIONS, DATABASE_OUTAGES, describe

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 600.0

log = logs.get()


def fails_on_data(error: asyncpg.PostgresError) -> bool:
    """Returns whether the data of a statement are at fault, and neither an outage nor a collision."""
    return not isinstance(error, (*DATABASE_OUTAGES, *COLLISIONS))


class SetAside:
    """The units of one kind of work, by id, that failed on their data, and until when each is passed over.

    Pauses double from 5 s to ten minutes. They are forgotten when the unit succeeds, and when the process ends.
    """

    def __init__(self, unit: str, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._unit = unit
        self._metrics = metrics
        self._clock = clock
        self._until: dict[int, float] = {}
        self._pauses: dict[int, float] = {}

    @property
    def passed_over(self) -> list[int]:
        """The ids that must not be worked on now."""
        return [key for key, until in self._until.items() if until > self._clock()]

    def succeed(self, keys: Iterable[int]) -> None:
        for key in keys if self._until else ():
            self._until.pop(key, None)
            self._pauses.pop(key, None)

    def fail(self, key: int, error: BaseException) -> None:
        """Sets a unit aside, logs it as an error and counts it."""
        pause = min(2 * self._pauses.get(key, FIRST_PAUSE_SECONDS / 2), LONGEST_PAUSE_SECONDS)
        self._pauses[key], self._until[key] = pause, self._clock() + pause
        self._metrics.set_aside[self._unit].inc()
        log.error("work set aside", unit=self._unit, id=key, seconds=pause, detail=describe(error))

    async def try_each(self, keys: Sequence[int], work: Callable[[int], Awaitable[None]]) -> None:
        """Does the work for each of these ids that is not passed over, alone. Raises outages and collisions."""
        skipped = set(self.passed_over)
        for key in keys:
            if key in skipped:
                continue
            try:
                await work(key)
            except asyncpg.PostgresError as error:
                if not fails_on_data(error):
                    raise
                self.fail(key, error)
            else:
                self.succeed((key,))
