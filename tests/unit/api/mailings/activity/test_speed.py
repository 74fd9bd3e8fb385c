"""The rate of a mailing and the time it still takes."""

from datetime import UTC, datetime, timedelta

import pytest

from services.api.mailings.activity.speed import Speed, measure_speed, measured_since
from services.api.statistics.responses import Minute
from shared.statuses import MailingStatus

NOW = datetime(2030, 1, 1, 12, 0, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)


def minute(back: int, sent: int, failed: int = 0) -> Minute:
    return Minute(at=NOW.replace(second=0) - timedelta(minutes=back), sent=sent, failed=failed)


ROWS: list[tuple[MailingStatus, datetime | None, list[Minute], int, Speed]] = [
    # status, started, minutes, left, expected
    ("scheduled", None, [], 0, Speed(0.0, None)),
    ("running", LONG_AGO, [], 10, Speed(0.0, None)),
    ("running", LONG_AGO, [], 0, Speed(0.0, 0.0)),
    # 90 s since the minute before began
    ("running", LONG_AGO, [minute(1, 60), minute(0, 20, 10)], 100, Speed(1.0, 100.0)),
    # older minutes do not count
    ("running", LONG_AGO, [minute(2, 10_000), minute(0, 90)], 10, Speed(1.0, 10.0)),
    # a mailing that began 10 s ago is judged by these
    ("running", NOW - timedelta(seconds=10), [minute(0, 100)], 50, Speed(10.0, 5.0)),
    # its first second is not divided by nothing
    ("running", NOW, [minute(0, 100)], 50, Speed(100.0, 0.5)),
    ("paused", LONG_AGO, [minute(0, 90)], 100, Speed(1.0, None)),
    ("finished", LONG_AGO, [minute(0, 90)], 0, Speed(0.0, 0.0)),
    ("cancelled", LONG_AGO, [minute(0, 90)], 5, Speed(0.0, None)),
]


@pytest.mark.parametrize(("status", "started_at", "minutes", "left", "expected"), ROWS)
def test_speed(
    status: MailingStatus, started_at: datetime | None, minutes: list[Minute], left: int, expected: Speed
) -> None:
    final = sum(one.sent + one.failed for one in minutes if one.at >= measured_since(NOW))
    assert measure_speed(status, started_at, final, left, NOW) == expected


def test_nobody_knows_how_long_a_growing_mailing_takes() -> None:
    assert measure_speed("running", LONG_AGO, 90, 100, NOW, growing=True) == Speed(1.0, None)
