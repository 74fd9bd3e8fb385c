"""Builds reports for tests."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.planner.report.figures import Day, DayCounts, ReasonCount, Report, ReportedMailing

MOSCOW = ZoneInfo("Europe/Moscow")
NOTHING, MOST_SENT = DayCounts({}), DayCounts({"sent": 12345})


def build_report(**changes: Any) -> Report:
    """Returns the report of a day with failures; `changes` replace fields."""
    fields: dict[str, Any] = {
        "day": Day(date(2026, 11, 26), MOSCOW),
        "made_at": datetime(2026, 11, 27, 4, tzinfo=UTC),
        "counts": DayCounts({"sent": 12345, "rejected": 20, "exhausted": 3, "expired": 7}),
        "day_before": DayCounts({"sent": 11000}),
        "week_before": DayCounts({"sent": 9000, "cancelled": 2}),
        "mailings": [
            ReportedMailing(
                7, "Sale <b>", "finished", datetime(2026, 11, 26, 18, tzinfo=UTC), DayCounts({"sent": 12345})
            ),
            ReportedMailing(8, None, "running", datetime(2026, 11, 27, 18, tzinfo=UTC), DayCounts({"rejected": 20})),
        ],
        "reasons": [ReasonCount("rejected", "number unknown", 20), ReasonCount("expired", "", 7)],
        "trouble_minutes": 22,
        "dead_letters": 3,
        "ending": [ReportedMailing(8, None, "paused", datetime(2026, 11, 27, 18, tzinfo=UTC), NOTHING, unsent=900)],
        "next_ones": [ReportedMailing(9, None, "scheduled", datetime(2026, 11, 27, 6, tzinfo=UTC), NOTHING)],
    }
    return Report(**{**fields, **changes})


def empty_report() -> Report:
    return build_report(
        counts=NOTHING, mailings=[], reasons=[], trouble_minutes=0, dead_letters=0, ending=[], next_ones=[]
    )
