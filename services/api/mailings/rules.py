"""Decides what may be done to a mailing in which state. Pure: works on a locked row and the clock of the database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Literal

from services.api.mailings.schemas import FilterNew, MailingNew, MailingPatch, OnMissing, WindowNew
from services.api.web.problems import InvalidValue
from shared.audience.personal_text import is_personal
from shared.messages import MailingEventName
from shared.statuses import MailingStatus

# The end of a running mailing may not be nearer: a request that began before the edit must end first, and with the
# longest timeout it takes 25 s from a claim that was good for a while. Cancelling stops at once.
NOTICE = timedelta(seconds=40)
# An edit that takes longer from its decision to its commit is rolled back: NOTICE would have shrunk too far.
LONGEST_EDIT_SECONDS = 3.0

Action = Literal["start", "pause", "resume", "cancel"]

# The state that an action leads to, by the present one; from any other state it is a conflict.
MOVES: Mapping[Action, Mapping[MailingStatus, MailingStatus]] = {
    "start": {"draft": "scheduled", "scheduled": "scheduled", "running": "running"},
    "pause": {"running": "paused", "paused": "paused"},
    "resume": {"paused": "running", "running": "running"},
    "cancel": {
        "draft": "cancelled",
        "scheduled": "cancelled",
        "running": "cancelled",
        "paused": "cancelled",
        "cancelled": "cancelled",
    },
}
EVENTS: Mapping[Action, MailingEventName] = {
    "start": "mailing.updated",
    "pause": "mailing.paused",
    "resume": "mailing.resumed",
    "cancel": "mailing.cancelled",
}
# The fields that PATCH may change in each state; in any other state, none.
EDITABLE: Mapping[MailingStatus, frozenset[str]] = {
    "draft": frozenset({"name", "text", "start_at", "end_at", "filter", "window", "on_missing"}),
    "scheduled": frozenset({"name", "text", "start_at", "end_at", "filter", "window", "on_missing"}),
    "running": frozenset({"name", "text", "end_at", "window", "on_missing"}),
    "paused": frozenset({"name", "text", "end_at", "window", "on_missing"}),
}


@dataclass(frozen=True, slots=True)
class MailingPlan:
    """What the operator specified for a mailing. With a file, its recipients take the place of the filter."""

    text: str
    operator_codes: list[str]
    tags: list[str]
    start_at: datetime
    end_at: datetime
    window_from: time | None
    window_to: time | None
    unsent_of: int | None = None
    name: str = ""
    file_id: int | None = None
    recipients: int | None = None
    segment_id: int | None = None
    # The tree of a filter, as JSON.
    conditions: dict[str, Any] | None = None
    # As bits, Monday is 1; None means every day.
    window_days: int | None = None
    on_missing: OnMissing = "refuse"

    @property
    def personal(self) -> bool:
        """Whether the text is rendered for each client."""
        return is_personal(self.text)


# The parts of a plan that each field of PATCH sets.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "text": ("text",),
    "start_at": ("start_at",),
    "end_at": ("end_at",),
    "filter": ("operator_codes", "tags", "unsent_of", "segment_id", "conditions", "file_id"),
    "window": ("window_from", "window_to", "window_days"),
    "on_missing": ("on_missing",),
}


@dataclass(frozen=True, slots=True)
class LockedMailing:
    """A mailing's row under lock. `closing`: its deadline has passed and its messages are being settled."""

    status: MailingStatus
    closing: bool
    plan: MailingPlan
    now: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Edit:
    """The plan to write; None if nothing changes."""

    plan: MailingPlan | None
    window_changed: bool = False


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The status to write; None if nothing changes."""

    status: MailingStatus | None


@dataclass(frozen=True, slots=True)
class ResendAllowed:
    """Messages may be sent again, until `end_at`. If `restarts`, a finished mailing runs again for that."""

    restarts: bool
    end_at: datetime


@dataclass(frozen=True, slots=True)
class StateConflict:
    """The state of the mailing does not allow the request."""

    detail: str


def judge_new(body: MailingNew, now: datetime, default_window: WindowNew | None = None) -> MailingPlan | InvalidValue:
    """Returns the plan of a new mailing. Without a start, or with one in the past, it starts now.

    `default_window` applies if the body names none: null would say that there is none.
    """
    window = body.window if "window" in body.model_fields_set else default_window
    plan = MailingPlan(
        text=body.text,
        start_at=max(body.start_at or now, now),
        end_at=body.end_at,
        name=body.name,
        on_missing=body.on_missing,
        **_filter_parts(body.filter),
        **_window_parts(window),
    )
    wrong = _wrong_times(plan, now)
    return plan if wrong is None else wrong


def _filter_parts(given: FilterNew) -> dict[str, Any]:
    return {
        "operator_codes": given.operator_codes,
        "tags": given.tags,
        "unsent_of": given.unsent_of,
        "segment_id": given.segment,
        "conditions": given.raw() or None,
    }


def _window_parts(window: WindowNew | None) -> dict[str, Any]:
    opens, closes = (None, None) if window is None else window.times()
    return {"window_from": opens, "window_to": closes, "window_days": None if window is None else window.mask()}


def judge_edit(locked: LockedMailing, patch: MailingPatch) -> Edit | StateConflict | InvalidValue:
    given = patch.model_fields_set
    if locked.closing or locked.status not in EDITABLE:
        return StateConflict(f"The mailing is {_condition(locked)} and cannot be changed.")
    refused = sorted(given - EDITABLE[locked.status])
    if refused:
        return StateConflict(f"While a mailing is {locked.status}, {', '.join(refused)} cannot be changed.")
    plan = _apply(patch, given, locked)
    wrong = _wrong_end(locked, plan, given)
    if wrong is not None:
        return wrong
    return Edit(
        None if plan == locked.plan else plan,
        window_changed=any(getattr(plan, part) != getattr(locked.plan, part) for part in FIELDS["window"]),
    )


def judge_start(locked: LockedMailing) -> tuple[StatusChange, MailingPlan] | StateConflict:
    """Allows the start of a draft, at its start_at or else now. What was started before stays as it is."""
    move = judge_action("start", locked)
    if isinstance(move, StateConflict) or move.status is None:
        return move if isinstance(move, StateConflict) else (move, locked.plan)
    plan = replace(locked.plan, start_at=max(locked.plan.start_at, locked.now))
    if plan.end_at <= plan.start_at:
        return StateConflict("The end of this draft is in the past: change end_at, then start it.")
    return move, plan


def judge_file(locked: LockedMailing) -> MailingPlan | StateConflict:
    """Returns the plan without its filter, which a file is to replace, if the mailing is a draft."""
    if locked.status == "draft":
        return replace(locked.plan, **_filter_parts(FilterNew()))
    return StateConflict(f"The mailing is {_condition(locked)}: only a draft takes a file of recipients.")


def judge_action(action: Action, locked: LockedMailing) -> StatusChange | StateConflict:
    target = MOVES[action].get(locked.status)
    done = locked.status == target == "cancelled"
    if target is None or (locked.closing and not done):
        return StateConflict(f"The mailing is {_condition(locked)}: {action} is not possible.")
    return StatusChange(None if target == locked.status else target)


def judge_delete(locked: LockedMailing) -> StatusChange | StateConflict:
    """Cancels what is not over. While a mailing closes its messages are being settled, and that is waited for."""
    if locked.status in ("finished", "cancelled"):
        return StatusChange(None)
    if locked.closing:
        return StateConflict("The mailing is past its end and about to finish: delete it in a few seconds.")
    return StatusChange("cancelled")


def judge_resend(locked: LockedMailing, end_at: datetime | None) -> ResendAllowed | StateConflict | InvalidValue:
    """Allows a resend unless the mailing is cancelled or closes. One past its end needs a new end."""
    finished = locked.status == "finished"
    if locked.status == "cancelled":
        return StateConflict("The mailing is cancelled: its messages cannot be sent again.")
    if locked.closing and not finished:
        return StateConflict("The mailing is past its end, and its messages are being settled: try again in a minute.")
    if end_at is not None:
        if end_at < locked.now + NOTICE:
            return _wrong_end_at("must be at least 40 seconds in the future")
        return ResendAllowed(restarts=finished, end_at=end_at)
    if locked.closing or locked.plan.end_at <= locked.now:
        return StateConflict("The mailing is past its end: give a new end_at to send its messages again.")
    return ResendAllowed(restarts=finished, end_at=locked.plan.end_at)


def changed(before: MailingPlan, after: MailingPlan) -> list[str]:
    """Names the fields, as PATCH knows them, in which two plans differ."""
    return [field for field, parts in FIELDS.items() if any(getattr(before, p) != getattr(after, p) for p in parts)]


def _condition(locked: LockedMailing) -> str:
    return "past its end" if locked.closing and locked.status != "cancelled" else locked.status


def _apply(patch: MailingPatch, given: set[str], locked: LockedMailing) -> MailingPlan:
    plan = locked.plan
    if "name" in given:
        plan = replace(plan, name=patch.name)
    if "text" in given:
        plan = replace(plan, text=patch.text)
    if "filter" in given:
        # The filter takes the place of a file.
        plan = replace(plan, **_filter_parts(patch.filter), file_id=None, recipients=None)
    if patch.start_at is not None:
        plan = replace(plan, start_at=max(patch.start_at, locked.now))
    if patch.end_at is not None:
        plan = replace(plan, end_at=patch.end_at)
    if "window" in given:
        plan = replace(plan, **_window_parts(patch.window))
    if "on_missing" in given:
        plan = replace(plan, on_missing=patch.on_missing)
    return plan


def _wrong_end(locked: LockedMailing, plan: MailingPlan, given: set[str]) -> InvalidValue | None:
    if locked.status in ("draft", "scheduled"):
        return _wrong_times(plan, locked.now) if given & {"start_at", "end_at"} else None
    if "end_at" in given and plan.end_at < locked.now + NOTICE:
        return _wrong_end_at("must be at least 40 seconds in the future; to stop at once, cancel the mailing")
    return None


def _wrong_times(plan: MailingPlan, now: datetime) -> InvalidValue | None:
    if plan.end_at <= now:
        return _wrong_end_at("must be in the future")
    if plan.end_at <= plan.start_at:
        return _wrong_end_at("must be after start_at")
    return None


def _wrong_end_at(msg: str) -> InvalidValue:
    return InvalidValue(("body", "end_at"), msg)
