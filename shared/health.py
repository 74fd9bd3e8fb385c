"""Whether a process is well: the parts it needs are there, its event loop turns, and its tasks get on."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.redaction import Redactor, escape

BEAT_SECONDS = 0.5
# An event loop that has not turned for so long does not answer anybody.
LOOP_SECONDS = 10.0
# No turn of a task takes so long, outages included: they are waited out in many turns.
STUCK_SECONDS = 300.0
LONGEST_REASON = 300


class Pulse:
    """Shows that an endless task gets on: it beats at every turn, and rests while it waits for something to do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beat_at: float | None = None

    def beat(self) -> None:
        self._beat_at = self._clock()

    def rest(self) -> None:
        self._beat_at = None

    @property
    def seconds(self) -> float:
        """For how long it has been at the same turn."""
        return 0.0 if self._beat_at is None else self._clock() - self._beat_at


@dataclass(slots=True)
class Part:
    """Something outside of the process. `since` is when it came or went, `why` what was wrong last."""

    required: bool
    up: bool
    since: datetime
    why: str | None = None


class Health:
    """What a process says of itself. It is ready when all the parts it needs are there; `details` are only told."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.details: dict[str, str] = {}
        self._parts: dict[str, Part] = {}
        self._pulses: dict[str, Pulse] = {}
        self._loop = Pulse(clock)

    def expect(self, *parts: str) -> None:
        """Names parts without which the process is not ready, unless they are known already."""
        self._name(parts, required=True)

    def tell(self, *parts: str) -> None:
        """Names parts that are told of, and that the process can do without for a while."""
        self._name(parts, required=False)

    def set(self, part: str, up: bool, why: str | None = None) -> None:
        """Returns whether a part is there, and if not, why."""
        self.expect(part)
        found = self._parts[part]
        if found.up != up:
            found.up, found.since, found.why = up, datetime.now(UTC), None
        if not up and why is not None:
            found.why = Redactor().text(escape(why))[:LONGEST_REASON]

    def watch(self, task: str, pulse: Pulse) -> None:
        """Judges the process by this task, too."""
        self._pulses[task] = pulse

    @property
    def parts(self) -> dict[str, bool]:
        return {name: part.up for name, part in self._parts.items()}

    @property
    def why(self) -> dict[str, str]:
        """What was wrong last with each part that is away, as far as somebody said so."""
        return {name: part.why for name, part in self._parts.items() if part.why is not None}

    @property
    def ready(self) -> bool:
        return all(part.up for part in self._parts.values() if part.required)

    @property
    def stuck(self) -> dict[str, float]:
        """The tasks that do not get on, with the seconds they have been at it; the event loop is one of them."""
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
        """Writes what /readyz answers."""
        return {
            "ready": self.ready,
            "parts": self.parts,
            "optional": [name for name, part in self._parts.items() if not part.required],
            "since": {name: part.since.isoformat(timespec="milliseconds") for name, part in self._parts.items()},
            "why": self.why,
            "details": self.details,
        }

    def liveness(self) -> dict[str, object]:
        """Writes what /livez answers."""
        stuck = self.stuck
        return {"live": not stuck, "stuck": stuck}

    def _name(self, parts: tuple[str, ...], *, required: bool) -> None:
        for part in parts:
            self._parts.setdefault(part, Part(required, up=False, since=datetime.now(UTC)))
