"""The health of a process: its parts are available, its event loop runs, and no task is stuck."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.redaction import Redactor, escape

BEAT_SECONDS = 0.5
# An event loop that was blocked for this long answers nobody.
LOOP_SECONDS = 10.0
# No iteration of a task takes this long. An outage is waited out in many iterations.
STUCK_SECONDS = 300.0
LONGEST_REASON = 300


class Pulse:
    """The pulse of an endless task: it beats at every iteration, and rests while the task waits for work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beat_at: float | None = None

    def beat(self) -> None:
        """Records that an iteration begins."""
        self._beat_at = self._clock()

    def rest(self) -> None:
        """Records that the task waits for work, however long."""
        self._beat_at = None

    @property
    def seconds(self) -> float:
        """Seconds since the last beat; 0 while it rests."""
        return 0.0 if self._beat_at is None else self._clock() - self._beat_at


@dataclass(slots=True)
class _Part:
    """Something outside of the process. `since`: when it came or went. `reason`: what was wrong last."""

    required: bool
    up: bool
    since: datetime
    reason: str | None = None


class Health:
    """The health that a process reports on its ops port.

    It is ready when all its required parts are up. `details` are reported and have no influence.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.details: dict[str, str] = {}
        self._parts: dict[str, _Part] = {}
        self._pulses: dict[str, Pulse] = {}
        self._loop = Pulse(clock)

    def require(self, *parts: str) -> None:
        """Adds parts without which the process is not ready; those added before stay as they are."""
        self._add(parts, required=True)

    def add_optional(self, *parts: str) -> None:
        """Adds parts that are reported and that the process can do without; those added before stay as they are."""
        self._add(parts, required=False)

    def set(self, part: str, up: bool, reason: str | None = None) -> None:
        """Sets whether a part is up, and the reason if it is not. Without a reason the last one stays."""
        self.require(part)
        found = self._parts[part]
        if found.up != up:
            found.up, found.since, found.reason = up, datetime.now(UTC), None
        if not up and reason is not None:
            found.reason = Redactor().text(escape(reason))[:LONGEST_REASON]

    def watch(self, task: str, pulse: Pulse) -> None:
        """Makes the process unhealthy when this task is stuck."""
        self._pulses[task] = pulse

    @property
    def parts(self) -> dict[str, bool]:
        """Whether each part is up."""
        return {name: part.up for name, part in self._parts.items()}

    @property
    def optional(self) -> list[str]:
        """The parts that the process can do without."""
        return [name for name, part in self._parts.items() if not part.required]

    @property
    def reasons(self) -> dict[str, str]:
        """The last known reason for each part that is down."""
        return {name: part.reason for name, part in self._parts.items() if part.reason is not None}

    @property
    def ready(self) -> bool:
        """Whether every required part is up."""
        return all(part.up for part in self._parts.values() if part.required)

    @property
    def stuck(self) -> dict[str, float]:
        """The tasks that are stuck, with the seconds since their last beat. The event loop is one of them."""
        found = {name: pulse.seconds for name, pulse in self._pulses.items() if pulse.seconds > STUCK_SECONDS}
        if self._loop.seconds > LOOP_SECONDS:
            found["event loop"] = self._loop.seconds
        return {name: round(seconds, 1) for name, seconds in found.items()}

    async def run(self) -> None:
        """Beats for the event loop until cancelled."""
        while True:
            self._loop.beat()
            await asyncio.sleep(BEAT_SECONDS)

    def readiness(self) -> dict[str, object]:
        """Returns the body of /readyz."""
        return {
            "ready": self.ready,
            "parts": self.parts,
            "optional": self.optional,
            "since": {name: part.since.isoformat(timespec="milliseconds") for name, part in self._parts.items()},
            "reasons": self.reasons,
            "details": self.details,
        }

    def liveness(self) -> dict[str, object]:
        """Returns the body of /livez."""
        stuck = self.stuck
        return {"live": not stuck, "stuck": stuck}

    def _add(self, parts: tuple[str, ...], *, required: bool) -> None:
        for part in parts:
            self._parts.setdefault(part, _Part(required, up=False, since=datetime.now(UTC)))
