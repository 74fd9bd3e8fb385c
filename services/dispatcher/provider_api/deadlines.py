"""The deadlines of all requests under way, kept by one timer."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

from services.dispatcher.provider_api.pending_request import PendingRequest

# Deadlines are rounded down to a slot: a request ends up to this much earlier than asked, and never later.
SLOT_SECONDS = 0.02
# A timer of the loop stands still while the machine is suspended, and the clock of the deadlines may not.
LONGEST_SLEEP_SECONDS = 1.0


class DeadlineWheel:
    """A wheel of slots, each with the requests whose deadline lies in it. `on_due` is called with each that is due.

    A request leaves its slot by itself when it ends. `clock` returns seconds; it need not be the loop's.
    """

    def __init__(self, clock: Callable[[], float], on_due: Callable[[PendingRequest], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._on_due = on_due
        self._slots: dict[int, set[PendingRequest]] = {}
        self._numbers: list[int] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, pending: PendingRequest) -> None:
        """Watches the deadline of a request."""
        number = int(pending.deadline / SLOT_SECONDS)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = set()
            heappush(self._numbers, number)
            if self._numbers[0] == number:
                self._arm()
        slot.add(pending)
        pending.slot = slot

    def close(self) -> None:
        """Stops the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.close()
        if self._numbers:
            seconds = self._numbers[0] * SLOT_SECONDS - self._clock()
            self._timer = self._loop.call_later(min(max(seconds, 0), LONGEST_SLEEP_SECONDS), self.look)

    def look(self) -> None:
        """Ends what is due."""
        self._timer = None
        now = self._clock()
        try:
            while self._numbers and self._numbers[0] <= int(now / SLOT_SECONDS):
                # Ended requests leave the slot, so a copy is walked.
                for pending in tuple(self._slots.pop(heappop(self._numbers))):
                    self._on_due(pending)
        finally:
            self._arm()
