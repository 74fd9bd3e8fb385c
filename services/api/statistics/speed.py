"""Computes the speed of a mailing, and the time that it still takes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.api.statistics.responses import Minute
from shared.statuses import MailingStatus

ACTIVE: frozenset[MailingStatus] = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True)
class Speed:
    """`rate` in messages per second; `eta` in seconds, None if unknown."""

    rate: float
    eta: float | None


def measure_speed(
    status: MailingStatus, started_at: datetime | None, minutes: Sequence[Minute], left: int, now: datetime
) -> Speed:
    """Measures over the current minute and the one before it, so over one to two minutes.

    `left` is the number of messages that are not final yet.
    """
    if status not in ACTIVE or started_at is None:
        return Speed(0.0, 0.0 if status == "finished" else None)
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    final = sum(minute.sent + minute.failed for minute in minutes if minute.at >= since)
    # Less than a second would give a meaningless rate.
    seconds = max((now - max(since, started_at)).total_seconds(), 1.0)
    rate = final / seconds
    return Speed(round(rate, 3), _eta(status, rate, left))


def _eta(status: MailingStatus, rate: float, left: int) -> float | None:
    if status != "running" or (left and not rate):
        return None
    return round(left / rate, 1) if left else 0.0
