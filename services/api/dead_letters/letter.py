"""What a dead letter is and why it is dead, read from its body and headers. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.messages import Body, Job, MailingEvent, Results, Unreadable, decode
from shared.topology import DISPATCHER_DEAD, PLANNER_DEAD, REPORTER_DEAD

# What each dead queue holds.
KINDS: Mapping[str, type[Body]] = {PLANNER_DEAD: MailingEvent, DISPATCHER_DEAD: Job, REPORTER_DEAD: Results}

# Why the broker itself buries a body that can be read, by the reason in x-death.
_REASONS = {
    "rejected": "refused: see the consumer's log",
    "delivery_limit": "delivered too often without being acknowledged",
    "expired": "expired in its queue",
    "maxlen": "the queue was full",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `body` is None where it cannot be read; `at` is when it was buried, None where nobody noted it.

    The id is made of what it holds and when it was buried: it stays the same for as long as the letter waits.
    """

    id: str
    queue: str
    reason: str
    body: Body | None
    mailing_id: int | None
    message_id: int | None
    at: datetime | None


def read(queue: str, raw: bytes, headers: Mapping[str, Any]) -> Letter:
    """Reads a delivery of a dead queue, whatever is in it."""
    death = _newest_death(headers)
    at = _moment(headers.get("at")) or _moment(death.get("time"))
    body, unreadable = _decode(queue, raw)
    mailing_id, message_id = _ids(body)
    return Letter(
        id=hashlib.sha256(f"{queue}\0{at}\0".encode() + raw).hexdigest()[:16],
        queue=queue,
        reason=_text(headers.get("reason")) or unreadable or _REASONS.get(str(death.get("reason")), "unknown"),
        body=body,
        mailing_id=mailing_id,
        message_id=message_id,
        at=at,
    )


def _decode(queue: str, raw: bytes) -> tuple[Body | None, str | None]:
    try:
        return decode(KINDS[queue], raw), None
    except Unreadable as error:
        return None, f"unreadable: {error}"


def _ids(body: Body | None) -> tuple[int | None, int | None]:
    """The mailing and the message a letter is about, where it is about one."""
    match body:
        case Job():
            return body.mailing_id, body.message_id
        case MailingEvent():
            return body.mailing_id, None
        case Results():
            return _only({one.mailing_id for one in body.results}), _only({one.message_id for one in body.results})
        case _:
            return None, None


def _only(ids: set[int]) -> int | None:
    return next(iter(ids)) if len(ids) == 1 else None


def _newest_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The newest entry of x-death, which anybody can forge: nothing in it is taken for granted."""
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    return first if isinstance(first, Mapping) else {}


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if not isinstance(moment, datetime):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) and value else None
