"""What may be done to a mailing in which state, and what an edit changes."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from services.api.mailings.rules import (
    NOTICE,
    Action,
    Edit,
    LockedMailing,
    MailingPlan,
    StateConflict,
    StatusChange,
    changed,
    judge_action,
    judge_delete,
    judge_edit,
    judge_file,
    judge_new,
    judge_start,
)
from services.api.mailings.schemas import MailingNew, MailingPatch
from services.api.web.problems import InvalidValue
from shared.statuses import MailingStatus

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PLAN = MailingPlan("Hello", ["999"], ["vip"], NOW + HOUR, NOW + 2 * HOUR, time(9), time(21))


def a_locked(status: MailingStatus, *, closing: bool = False, **plan: Any) -> LockedMailing:
    return LockedMailing(status, closing, replace(PLAN, **plan), NOW, updated_at=NOW)


def a_patch(**values: Any) -> MailingPatch:
    given = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
    return MailingPatch.model_validate(given, context={"zones": frozenset()})


STATUSES: tuple[MailingStatus, ...] = ("draft", "scheduled", "running", "paused", "finished", "cancelled")

ACTIONS: list[tuple[Action, MailingStatus, StatusChange | None]] = [
    # StatusChange(None) is fine as it is, None is a conflict.
    ("start", "draft", StatusChange("scheduled")),
    ("start", "scheduled", StatusChange(None)),
    ("start", "running", StatusChange(None)),
    ("start", "paused", None),
    ("start", "finished", None),
    ("start", "cancelled", None),
    ("pause", "draft", None),
    ("pause", "scheduled", None),
    ("pause", "running", StatusChange("paused")),
    ("pause", "paused", StatusChange(None)),
    ("pause", "finished", None),
    ("pause", "cancelled", None),
    ("resume", "draft", None),
    ("resume", "scheduled", None),
    ("resume", "running", StatusChange(None)),
    ("resume", "paused", StatusChange("running")),
    ("resume", "finished", None),
    ("resume", "cancelled", None),
    ("cancel", "draft", StatusChange("cancelled")),
    ("cancel", "scheduled", StatusChange("cancelled")),
    ("cancel", "running", StatusChange("cancelled")),
    ("cancel", "paused", StatusChange("cancelled")),
    ("cancel", "finished", None),
    ("cancel", "cancelled", StatusChange(None)),
]


@pytest.mark.parametrize(("action", "status", "expected"), ACTIONS)
def test_an_action_in_each_state(action: Action, status: MailingStatus, expected: StatusChange | None) -> None:
    decided = judge_action(action, a_locked(status))
    assert isinstance(decided, StateConflict) if expected is None else decided == expected


@pytest.mark.parametrize("action", ["start", "pause", "resume", "cancel"])
@pytest.mark.parametrize("status", STATUSES)
def test_while_closing_only_what_is_cancelled_stays_so(action: Action, status: MailingStatus) -> None:
    decided = judge_action(action, a_locked(status, closing=True))
    if action == "cancel" and status == "cancelled":
        assert decided == StatusChange(None)
    else:
        assert isinstance(decided, StateConflict)


@pytest.mark.parametrize("closing", [False, True])
@pytest.mark.parametrize("status", STATUSES)
def test_a_delete_cancels_what_is_not_over_and_waits_for_what_closes(status: MailingStatus, closing: bool) -> None:
    decided = judge_delete(a_locked(status, closing=closing))
    if status in ("finished", "cancelled"):
        assert decided == StatusChange(None)
    elif closing:
        assert isinstance(decided, StateConflict)
    else:
        assert decided == StatusChange("cancelled")


STARTS: list[tuple[dict[str, Any], datetime | None]] = [
    # the plan of a draft, when it starts; None is a conflict
    ({}, NOW + HOUR),
    ({"start_at": NOW - HOUR}, NOW),
    ({"start_at": NOW - 2 * HOUR, "end_at": NOW + SECOND}, NOW),
    ({"start_at": NOW - 2 * HOUR, "end_at": NOW}, None),
    ({"start_at": NOW - 2 * HOUR, "end_at": NOW - HOUR}, None),
]


@pytest.mark.parametrize(("plan", "starts"), STARTS)
def test_a_draft_starts_at_its_start_or_now_and_never_after_its_end(
    plan: dict[str, Any], starts: datetime | None
) -> None:
    decided = judge_start(a_locked("draft", **plan))
    if starts is None:
        assert decided == StateConflict("The end of this draft is in the past: change end_at, then start it.")
    else:
        assert decided == (StatusChange("scheduled"), replace(PLAN, **plan | {"start_at": starts}))


@pytest.mark.parametrize("status", ["scheduled", "running"])
def test_what_was_started_is_not_started_again(status: MailingStatus) -> None:
    locked = a_locked(status, start_at=NOW - HOUR)
    assert judge_start(locked) == (StatusChange(None), locked.plan)


@pytest.mark.parametrize("status", STATUSES)
def test_only_a_draft_takes_a_file_which_replaces_its_filter(status: MailingStatus) -> None:
    decided = judge_file(a_locked(status, unsent_of=7))
    if status == "draft":
        assert decided == replace(PLAN, operator_codes=[], tags=[], unsent_of=None)
    else:
        assert isinstance(decided, StateConflict)


def test_a_filter_replaces_the_file() -> None:
    decided = judge_edit(a_locked("draft", file_id=3, recipients=5), a_patch(filter={"tags": ["new"]}))
    assert decided == Edit(replace(PLAN, operator_codes=[], tags=["new"]))


VALUES: dict[str, Any] = {
    "name": "New",
    "text": "New",
    "start_at": NOW + HOUR / 2,
    "end_at": NOW + 3 * HOUR,
    "filter": {"tags": ["new"]},
    "window": None,
}
ALLOWED: dict[MailingStatus, set[str]] = {
    "draft": {"name", "text", "start_at", "end_at", "filter", "window"},
    "scheduled": {"name", "text", "start_at", "end_at", "filter", "window"},
    "running": {"name", "text", "end_at", "window"},
    "paused": {"name", "text", "end_at", "window"},
    "finished": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("field", VALUES)
def test_which_fields_can_be_edited_in_each_state(status: MailingStatus, field: str) -> None:
    patch = a_patch(**{field: VALUES[field]})
    decided = judge_edit(a_locked(status), patch)
    assert isinstance(decided, Edit if field in ALLOWED[status] else StateConflict)
    assert isinstance(judge_edit(a_locked(status, closing=True), patch), StateConflict)


EDITS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    # what is sent, what changes of the plan, whether the window changed
    ({"text": "New"}, {"text": "New"}, False),
    ({"filter": {"tags": ["new"]}}, {"tags": ["new"], "operator_codes": []}, False),
    ({"filter": {}}, {"tags": [], "operator_codes": []}, False),
    ({"start_at": NOW + HOUR / 2}, {"start_at": NOW + HOUR / 2}, False),
    ({"start_at": NOW - HOUR}, {"start_at": NOW}, False),
    ({"end_at": NOW + 9 * HOUR}, {"end_at": NOW + 9 * HOUR}, False),
    ({"window": None}, {"window_from": None, "window_to": None}, True),
    ({"window": {"from": "10:00", "to": "21:00"}}, {"window_from": time(10)}, True),
    ({"text": "New", "window": {"from": "09:00", "to": "21:00"}}, {"text": "New"}, False),
]


@pytest.mark.parametrize(("sent", "changes", "window_changed"), EDITS)
def test_an_edit_changes_what_was_sent(sent: dict[str, Any], changes: dict[str, Any], window_changed: bool) -> None:
    assert judge_edit(a_locked("scheduled"), a_patch(**sent)) == Edit(replace(PLAN, **changes), window_changed)


@pytest.mark.parametrize("status", ["scheduled", "running", "paused"])
@pytest.mark.parametrize("sent", [{}, {"text": "Hello"}, {"window": {"from": "09:00", "to": "21:00"}}])
def test_an_edit_to_the_same_writes_nothing(status: MailingStatus, sent: dict[str, Any]) -> None:
    assert judge_edit(a_locked(status), a_patch(**sent)) == Edit(None, window_changed=False)


TIMES: list[tuple[MailingStatus, dict[str, Any], bool]] = [
    # state, what is sent, whether it is right
    ("scheduled", {"end_at": NOW + HOUR + SECOND}, True),
    ("scheduled", {"end_at": NOW + HOUR}, False),
    ("scheduled", {"end_at": NOW}, False),
    ("scheduled", {"end_at": NOW - SECOND}, False),
    ("scheduled", {"start_at": NOW - HOUR, "end_at": NOW + SECOND}, True),
    ("scheduled", {"start_at": NOW - HOUR, "end_at": NOW - SECOND}, False),
    ("scheduled", {"start_at": NOW + 2 * HOUR}, False),
    ("scheduled", {"start_at": NOW + 2 * HOUR - SECOND}, True),
    ("running", {"end_at": NOW + NOTICE}, True),
    ("running", {"end_at": NOW + NOTICE - SECOND / 1000}, False),
    ("running", {"end_at": NOW - HOUR}, False),
    ("paused", {"end_at": NOW + NOTICE}, True),
    ("paused", {"end_at": NOW + SECOND}, False),
]


@pytest.mark.parametrize(("status", "sent", "right"), TIMES)
def test_times_are_judged_by_the_clock_of_the_row(status: MailingStatus, sent: dict[str, Any], right: bool) -> None:
    decided = judge_edit(a_locked(status), a_patch(**sent))
    assert isinstance(decided, Edit if right else InvalidValue)
    if isinstance(decided, InvalidValue):
        assert decided.loc == ("body", "end_at")


@pytest.mark.parametrize("end_at", [NOW - HOUR, NOW + SECOND])
def test_other_fields_can_be_edited_however_near_the_end(end_at: datetime) -> None:
    assert isinstance(judge_edit(a_locked("running", end_at=end_at), a_patch(text="New")), Edit)
    assert isinstance(judge_edit(a_locked("scheduled", end_at=end_at), a_patch(text="New")), Edit)


NEW: list[tuple[dict[str, Any], datetime | None]] = [
    # what is sent, when it starts; None is wrong
    ({"end_at": NOW + HOUR}, NOW),
    ({"start_at": NOW - HOUR, "end_at": NOW + HOUR}, NOW),
    ({"start_at": NOW + HOUR, "end_at": NOW + 2 * HOUR}, NOW + HOUR),
    ({"start_at": NOW + HOUR, "end_at": NOW + HOUR}, None),
    ({"start_at": NOW + 2 * HOUR, "end_at": NOW + HOUR}, None),
    ({"start_at": NOW - HOUR, "end_at": NOW}, None),
    ({"end_at": NOW}, None),
    ({"end_at": NOW - SECOND}, None),
]


@pytest.mark.parametrize(("sent", "starts"), NEW)
def test_when_a_new_mailing_starts(sent: dict[str, Any], starts: datetime | None) -> None:
    given = {name: moment.isoformat() for name, moment in sent.items()}
    body = MailingNew.model_validate({"text": "Hello", "filter": {}, **given})
    decided = judge_new(body, NOW)
    if starts is None:
        assert isinstance(decided, InvalidValue)
    else:
        assert isinstance(decided, MailingPlan)
        assert decided.start_at == starts


UNCHANGED = MailingPlan("Hello", ["901"], [], NOW, NOW + HOUR, None, None)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"text": "New"}, ["text"]),
        ({"operator_codes": []}, ["filter"]),
        ({"tags": ["vip"]}, ["filter"]),
        ({"window_from": time(9), "window_to": time(21)}, ["window"]),
        ({"start_at": NOW + timedelta(minutes=1), "end_at": NOW + timedelta(hours=2)}, ["start_at", "end_at"]),
    ],
)
def test_which_fields_an_edit_changed(changes: dict[str, Any], fields: list[str]) -> None:
    assert changed(UNCHANGED, replace(UNCHANGED, **changes)) == fields
