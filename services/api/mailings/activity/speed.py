"""Computes the speed of a mailing, and the time that it still takes. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.statuses import MailingStatus

ACTIVE: frozenset[MailingStatus] = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True)
class Speed:
    """`rate` in messages per second; `eta` in seconds, None if unknown."""

    rate: float
    eta: float | None


def measured_since(now: datetime) -> datetime:
    """Returns where the time begins over which a speed is measured: with the minute before the current one."""
    return now.replace(second=0, microsecond=0) - timedelta(minutes=1)


def measure_speed(
    status: MailingStatus, started_at: datetime | None, final: int, left: int, now: datetime, *, growing: bool = False
) -> Speed:
    """Measures over the current minute and the one before it, so over one to two minutes.

    `final` is the number of messages that became final in these, `left` that of messages that are not final yet. While
    the audience is `growing`, nobody knows how long the mailing takes.
    """
    if status not in ACTIVE or started_at is None:
        return Speed(0.0, 0.0 if status == "finished" else None)
    # Less than a second would give a meaningless rate.
    seconds = max((now - max(measured_since(now), started_at)).total_seconds(), 1.0)
    rate = final / seconds
    return Speed(round(rate, 3), None if growing else _eta(status, rate, left))


def _eta(status: MailingStatus, rate: float, left: int) -> float | None:
    if status != "running" or (left and not rate):
        return None
    return round(left / rate, 1) if left else 0.0
