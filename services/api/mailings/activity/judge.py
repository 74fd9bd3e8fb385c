"""Judges what a mailing is doing, and what holds it up. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.api.mailings.activity.responses import Activity, ActivityCode
from services.api.providers.responses import ProviderHealth, ProviderShown
from shared.statuses import MailingStatus

# A mailing that started so recently has not had the time to send.
WARM_UP = timedelta(seconds=15)
# From this share of failed requests on, sending is said to fail.
MOST = 0.5
_CODES: dict[ProviderHealth, ActivityCode] = {
    "open": "provider_down",
    "half-open": "provider_down",
    "held": "provider_held",
    "drained": "provider_drained",
}


@dataclass(frozen=True, slots=True)
class ActivityFacts:
    """What is known of a mailing at the moment `now`.

    `left`: messages that are not final; `retrying`: those of them with a failed attempt. `next_due_at`: when the first
    message that is in no queue is due, None if all are. `rate`: messages that became final per second. `failing_as`:
    the most frequent outcome of attempts that failed, None if none has.
    """

    status: MailingStatus
    now: datetime
    start_at: datetime
    end_at: datetime
    started_at: datetime | None
    closing: bool
    expanding: bool
    has_window: bool
    left: int
    retrying: int
    next_due_at: datetime | None
    rate: float
    failing_as: str | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """What sends: how many dispatchers run, and the providers as they see them."""

    dispatchers: int
    providers: Sequence[ProviderShown]


def judge_activity(facts: ActivityFacts, sending: Sending) -> Activity:
    """Returns what a mailing is doing. What holds up every mailing comes before what holds up this one."""
    match facts.status:
        case "draft" | "finished":
            return Activity.of(facts.status)
        case "cancelled":
            return Activity.of("cancelled")
        case "scheduled" if facts.start_at > facts.now:
            return Activity.of("scheduled", until=facts.start_at)
        case "scheduled":
            return Activity.of("starting")
    if facts.closing or facts.end_at <= facts.now:
        return Activity.of("closing")
    if facts.status == "paused":
        return Activity.of("paused", until=facts.end_at)
    return judge_sending(sending) or _judge_running(facts, sending)


def judge_sending(sending: Sending) -> Activity | None:
    """Returns why nothing can be sent at all; None while something can, as far as is known."""
    if not sending.dispatchers:
        return Activity.of("no_dispatcher")
    known = [one for one in sending.providers if one.state in _CODES]
    if not known or any(one.state == "closed" for one in sending.providers):
        return None
    worst = known[0]
    return Activity.of(
        _CODES[worst.state],
        until=worst.held_until,
        since=worst.drained_at if worst.state == "drained" else worst.broken_since,
        provider=worst.name,
        reason=worst.reason,
    )


def judge_overall(sending: Sending) -> Activity:
    """Returns what holds up every mailing, or else that messages can be sent."""
    return judge_sending(sending) or _judge_failing(sending) or Activity.of("sending")


def _judge_failing(sending: Sending) -> Activity | None:
    """Returns that most requests fail, where there is one provider to send through."""
    closed = [one for one in sending.providers if one.state == "closed"]
    if len(closed) != 1 or closed[0].failing < MOST:
        return None
    (only,) = closed
    share = round(only.failing, 3)
    return Activity.of("provider_failing", provider=only.name, reason=only.reason, share=share)


def _judge_running(facts: ActivityFacts, sending: Sending) -> Activity:
    if facts.left == 0:
        return Activity.of("adding" if facts.expanding else "settling")
    failing = _judge_failing(sending)
    if failing is not None:
        return failing
    if facts.rate > 0:
        return Activity.of("sending")
    if facts.has_window and facts.next_due_at is not None and facts.next_due_at > facts.now:
        return Activity.of("window_closed", until=facts.next_due_at)
    if facts.retrying == facts.left:
        return Activity.of("retrying", reason=facts.failing_as)
    if facts.started_at is None or facts.now - facts.started_at < WARM_UP:
        return Activity.of("adding" if facts.expanding else "sending")
    return Activity.of("stalled")
