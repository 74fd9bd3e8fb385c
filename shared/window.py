"""Send windows: the hours of a client's local day in which sending is allowed. Pure.

Between two clock changes a local clock runs evenly. So the next opening is either as far away as that clock shows, or
a clock change comes first, and the opening is computed again from there. window_opens_at in shared/migrations/ follows
the same rule; a test compares the two.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A window that is open from `opens` until just before `closes`; with `opens` after `closes` it spans midnight.

    Raises ValueError when the two are equal. Moments are aware; those returned are in UTC.
    """

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens == self.closes:
            raise ValueError("a window must open and close at different times")

    def is_open(self, zone: tzinfo, moment: datetime) -> bool:
        """Returns whether the local clock of the zone is inside the window at that moment."""
        clock = moment.astimezone(zone).time()
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def opens_at(self, zone: tzinfo, moment: datetime) -> datetime:
        """Returns the moment itself while the window is open, else the earliest later one at which it is open.

        If a clock change skips the opening time and lands inside the window, that is the moment of the change. Of an
        opening time that comes twice it is the first.
        """
        since = moment.astimezone(UTC)
        while not self.is_open(zone, since):
            expected = since + self._wait(zone, since)
            if _offset(zone, expected) == _offset(zone, since):
                return expected
            since = _clock_change(zone, since, expected)
        return since

    def reachable(self, zone: tzinfo, start: datetime, end: datetime) -> bool:
        """Returns whether the window is open at any moment from `start` until just before `end`."""
        return start < end and self.opens_at(zone, start) < end

    def _wait(self, zone: tzinfo, moment: datetime) -> timedelta:
        """Returns how long until the local clock shows `opens`, if it is not changed before."""
        return (_since_midnight(self.opens) - _since_midnight(moment.astimezone(zone).time())) % DAY


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def _offset(zone: tzinfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def _clock_change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """Finds the clock change between two moments whose offsets differ, by bisection.

    Clocks change on whole seconds, and never twice in a day: the shortest interval since 1970 is seven days.
    """
    offset = _offset(zone, before)
    low, high = before.replace(microsecond=0), after.replace(microsecond=0) + SECOND
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        if _offset(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high
