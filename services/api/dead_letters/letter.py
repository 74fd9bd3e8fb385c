"""Reads a dead letter, and the reason why it is dead, from a body and its headers. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.messages import Body, Job, MailingEvent, Receipts, Results, Unreadable, decode
from shared.topology import DISPATCHER_DEAD, PLANNER_DEAD, REPORTER_DEAD

# The types of the bodies in each dead queue.
KINDS: Mapping[str, tuple[type[Body], ...]] = {
    PLANNER_DEAD: (MailingEvent,),
    DISPATCHER_DEAD: (Job,),
    REPORTER_DEAD: (Results, Receipts),
}

# Why the broker dead-lettered a body that can be read, by the reason in x-death.
_REASONS = {
    "rejected": "refused: see the consumer's log",
    "delivery_limit": "delivered too often without being acknowledged",
    "expired": "expired in its queue",
    "maxlen": "the queue was full",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `body` is None if it cannot be read; `at` is the moment of its dead-lettering, None if unknown.

    The id is derived from the body and that moment, so it stays the same for as long as the letter is in its queue.
    """

    id: str
    queue: str
    reason: str
    body: Body | None
    mailing_id: int | None
    message_id: int | None
    at: datetime | None


def read(queue: str, raw: bytes, headers: Mapping[str, Any]) -> Letter:
    """Reads a delivery of a dead queue, whatever its body and headers hold."""
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
    fault = ""
    for kind in KINDS[queue]:
        try:
            return decode(kind, raw), None
        except Unreadable as error:
            # The first kind is what most bodies of the queue are.
            fault = fault or f"unreadable: {error}"
    return None, fault


def _ids(body: Body | None) -> tuple[int | None, int | None]:
    """Returns the ids of the mailing and the message that a letter concerns, each None unless it is exactly one."""
    match body:
        case Job():
            return body.mailing_id, body.message_id
        case MailingEvent():
            return body.mailing_id, None
        case Results():
            return _only({one.mailing_id for one in body.results}), _only({one.message_id for one in body.results})
        case Receipts():
            return None, _only({one.message_id for one in body.receipts if one.message_id is not None})
        case _:
            return None, None


def _only(ids: set[int]) -> int | None:
    return next(iter(ids)) if len(ids) == 1 else None


def _newest_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the newest entry of x-death. Anybody can forge that header, so nothing in it is trusted."""
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
