"""The figures of a daily report. Pure: numbers, ids, names and reasons, never a phone or a text."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.statuses import UNSENT_STATUSES

# In the order in which a report shows them.
REPORTED_STATUSES = ("sent", *UNSENT_STATUSES)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day in a time zone. It has 23 to 25 hours where clocks change."""

    date: date
    zone: ZoneInfo

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.date, time(), self.zone)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.date + timedelta(days=1), time(), self.zone)

    def days_before(self, days: int) -> "Day":
        return Day(self.date - timedelta(days=days), self.zone)


@dataclass(frozen=True, slots=True)
class DayCounts:
    """How many messages became final on a day, by status."""

    by_status: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    def of(self, status: str) -> int:
        return self.by_status.get(status, 0)


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many messages ended with a status for a reason."""

    status: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class ReportedMailing:
    """A mailing that ran on the day, and how many of its messages became final on it. `moment`: its end or start."""

    mailing_id: int
    name: str | None
    status: str
    moment: datetime
    counts: DayCounts
    unsent: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A daily report. `trouble_minutes`: minutes in which more attempts failed than succeeded.

    `dead_letters` is None where the broker could not be asked. `ending` are mailings that end on the day after with
    messages unsent, `next_ones` those that start next.
    """

    day: Day
    made_at: datetime
    counts: DayCounts
    day_before: DayCounts
    week_before: DayCounts
    mailings: list[ReportedMailing]
    reasons: list[ReasonCount]
    trouble_minutes: int
    dead_letters: int | None
    ending: list[ReportedMailing]
    next_ones: list[ReportedMailing]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened on the day, and nothing is planned or waits."""
        return not (
            self.counts.total
            or self.mailings
            or self.trouble_minutes
            or self.dead_letters
            or self.ending
            or self.next_ones
        )
