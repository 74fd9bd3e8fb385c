"""Send windows: the hours of a client's local day in which sending is allowed. Pure.

Between two clock changes a local clock runs evenly. So the next opening is either as far away as that clock shows, or
a clock change comes first, and the opening is computed again from there. window_opens_at in shared/migrations/ follows
the same rule; a test compares the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal, get_args

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
EVERY_DAY = 2 ** len(WEEKDAYS) - 1
# Seven openings, and a few clock changes.
MOST_OPENINGS = 24
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def mask_of(days: Iterable[Weekday]) -> int | None:
    """Returns days as bits, Monday is 1; None for every day."""
    mask = sum(1 << WEEKDAYS.index(day) for day in set(days))
    return None if mask == EVERY_DAY else mask


def days_of(mask: int | None) -> list[Weekday]:
    """Returns the days of a mask, in the order of the week."""
    return [day for place, day in enumerate(WEEKDAYS) if mask is None or mask >> place & 1]


def read_days(text: str) -> list[str]:
    """Parses days such as mon,tue or mon-fri. What is no day or range of days is returned as it is."""
    days: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if dash and first in WEEKDAYS and last in WEEKDAYS and WEEKDAYS.index(first) < WEEKDAYS.index(last):
            days += WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last) + 1]
        else:
            days.append(part)
    return days


@dataclass(frozen=True, slots=True)
class Window:
    """A window that is open from `opens` until just before `closes`; with `opens` after `closes` it spans midnight.

    `days` has a bit for each day of the week on which it opens, Monday is 1; None means every day. A window over
    midnight belongs to the day on which it opens. Raises ValueError when the two hours are equal. Moments are aware;
    those returned are in UTC.
    """

    opens: time
    closes: time
    days: int | None = None

    def __post_init__(self) -> None:
        if self.opens == self.closes:
            raise ValueError("a window must open and close at different times")

    def is_open(self, zone: tzinfo, moment: datetime) -> bool:
        """Returns whether the local clock of the zone is inside the window at that moment."""
        local = moment.astimezone(zone)
        after_midnight = self.opens > self.closes and local.time() < self.closes
        day = (local.date() - DAY if after_midnight else local.date()).weekday()
        return self._in_hours(local.time()) and (self.days is None or bool(self.days >> day & 1))

    def _in_hours(self, clock: time) -> bool:
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def opens_at(self, zone: tzinfo, moment: datetime) -> datetime:
        """Returns the moment itself while the window is open, else the earliest later one at which it is open.

        If a clock change skips the opening time and lands inside the window, that is the moment of the change. Of an
        opening time that comes twice it is the first.
        """
        since = moment.astimezone(UTC)
        for _ in range(MOST_OPENINGS):
            if self.is_open(zone, since):
                return since
            since = self._opens_next(zone, since)
        raise ValueError("the window never opens")

    def _opens_next(self, zone: tzinfo, moment: datetime) -> datetime:
        """Returns the next moment at which it opens by the clock, on whatever day."""
        since = moment
        while True:
            expected = since + self._wait(zone, since)
            if _offset(zone, expected) == _offset(zone, since):
                return expected
            since = _clock_change(zone, since, expected)
            if self._in_hours(since.astimezone(zone).time()):
                return since

    def reachable(self, zone: tzinfo, start: datetime, end: datetime) -> bool:
        """Returns whether the window is open at any moment from `start` until just before `end`."""
        return start < end and self.opens_at(zone, start) < end

    def _wait(self, zone: tzinfo, moment: datetime) -> timedelta:
        """Returns how long until the local clock shows `opens`, if it is not changed before."""
        return (_since_midnight(self.opens) - _since_midnight(moment.astimezone(zone).time())) % DAY or DAY


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
