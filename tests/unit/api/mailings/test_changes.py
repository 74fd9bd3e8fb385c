"""Which fields an edit changed."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from services.api.mailings.rules import MailingPlan, changed

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PLAN = MailingPlan("Hello", ["901"], [], NOON, NOON + timedelta(hours=1), None, None)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"text": "New"}, ["text"]),
        ({"operator_codes": []}, ["filter"]),
        ({"tags": ["vip"]}, ["filter"]),
        ({"window_from": time(9), "window_to": time(21)}, ["window"]),
        ({"start_at": NOON + timedelta(minutes=1), "end_at": NOON + timedelta(hours=2)}, ["start_at", "end_at"]),
    ],
)
def test_which_fields_an_edit_changed(changes: dict[str, Any], fields: list[str]) -> None:
    assert changed(PLAN, replace(PLAN, **changes)) == fields
