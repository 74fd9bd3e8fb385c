"""What a mailing is said to be doing, and what holds it up."""

from datetime import timedelta
from typing import Any

import pytest

from services.api.mailings.activity.judge import ActivityFacts, Sending, judge_activity
from services.api.mailings.activity.responses import Activity
from services.api.providers.responses import ProviderShown
from services.api.providers.store import unused
from tests.support.builders import NOON

SOON, LATER = NOON + timedelta(hours=1), NOON + timedelta(hours=9)


def provider(state: str, **values: Any) -> ProviderShown:
    return unused("smsc").model_copy(update={"state": state, "dispatchers": 1, **values})


WORKS = Sending(1, [provider("closed")])


def facts(**values: Any) -> ActivityFacts:
    """A mailing that has been running for an hour, with 10 messages left."""
    usual: dict[str, Any] = {
        "status": "running",
        "now": NOON,
        "start_at": NOON - timedelta(hours=1),
        "end_at": LATER,
        "started_at": NOON - timedelta(hours=1),
        "closing": False,
        "expanding": False,
        "has_window": False,
        "left": 10,
        "retrying": 0,
        "next_due_at": None,
        "rate": 5.0,
    }
    return ActivityFacts(**usual | values)


DOWN = provider("open", reason="provider unreachable", broken_since=NOON)
ROWS: list[tuple[dict[str, Any], Sending, dict[str, Any]]] = [
    ({"status": "draft"}, WORKS, {"code": "draft"}),
    ({"status": "scheduled", "start_at": SOON}, WORKS, {"code": "scheduled", "until": SOON}),
    ({"status": "scheduled"}, WORKS, {"code": "starting"}),
    ({"status": "finished"}, Sending(0, []), {"code": "finished"}),
    ({"status": "cancelled", "closing": True}, WORKS, {"code": "cancelled"}),
    ({"status": "paused"}, Sending(0, []), {"code": "paused", "until": LATER}),
    ({"status": "paused", "end_at": NOON}, WORKS, {"code": "closing"}),
    ({"closing": True}, WORKS, {"code": "closing"}),
    ({}, WORKS, {"code": "sending"}),
    # a dispatcher that has just started has not reported yet
    ({}, Sending(1, []), {"code": "sending"}),
    ({"left": 0}, WORKS, {"code": "settling"}),
    ({"left": 0, "expanding": True}, WORKS, {"code": "adding"}),
    # what holds up everything comes first, also where some became final in the last minutes
    ({}, Sending(0, []), {"code": "no_dispatcher"}),
    (
        {},
        Sending(1, [DOWN]),
        {"code": "provider_down", "provider": "smsc", "reason": "provider unreachable", "since": NOON},
    ),
    ({}, Sending(2, [provider("half-open")]), {"code": "provider_down", "provider": "smsc"}),
    ({}, Sending(1, [provider("held", held_until=SOON)]), {"code": "provider_held", "provider": "smsc", "until": SOON}),
    (
        {},
        Sending(1, [provider("drained", drained_at=NOON)]),
        {"code": "provider_drained", "provider": "smsc", "since": NOON},
    ),
    # another provider sends
    ({}, Sending(1, [DOWN, provider("closed")]), {"code": "sending"}),
    (
        {},
        Sending(1, [provider("closed", failing=0.97, reason="server error")]),
        {"code": "provider_failing", "provider": "smsc", "share": 0.97, "reason": "server error"},
    ),
    ({}, Sending(1, [provider("closed", failing=0.97), provider("closed")]), {"code": "sending"}),
    ({"rate": 0.0, "retrying": 10}, WORKS, {"code": "retrying"}),
    # as few messages never open a breaker, this alone says why they are not sent
    (
        {"rate": 0.0, "retrying": 10, "failing_as": "server_error"},
        WORKS,
        {"code": "retrying", "reason": "server_error"},
    ),
    ({"rate": 0.0, "has_window": True, "next_due_at": SOON}, WORKS, {"code": "window_closed", "until": SOON}),
    ({"rate": 0.0, "next_due_at": SOON, "retrying": 2}, WORKS, {"code": "stalled"}),
    ({"rate": 0.0, "started_at": NOON - timedelta(seconds=3)}, WORKS, {"code": "sending"}),
    ({"rate": 0.0, "started_at": NOON, "expanding": True}, WORKS, {"code": "adding"}),
    ({"rate": 0.0}, WORKS, {"code": "stalled"}),
]


@pytest.mark.parametrize(("values", "sending", "expected"), ROWS)
def test_activity(values: dict[str, Any], sending: Sending, expected: dict[str, Any]) -> None:
    assert judge_activity(facts(**values), sending) == Activity.of(**expected)
