"""Classifies replies of the provider: from reply to verdict, as a table. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

import orjson

ReplyVerdict = Literal["accepted", "temporary", "permanent", "misconfigured"]
ReplyKind = Literal["answered", "timeout", "unreachable", "broken"]

LONGEST_REASON = 100
LONGEST_RETRY_AFTER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the provider, or its absence.

    `body` is cut at 64 KiB. `detail` is what broke, where no answer came.
    """

    kind: ReplyKind
    http_status: int | None = None
    body: bytes = b""
    retry_after: str | None = None
    date: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The meaning of a reply. `outcome` is the word that statistics count; `reason` is a short phrase to be shown."""

    verdict: ReplyVerdict
    outcome: str
    reason: str
    retry_after: timedelta | None = None


# Statuses that differ from their class in _BY_CLASS. A 200 is judged by the code in its body.
_BY_STATUS: dict[int, tuple[ReplyVerdict, str]] = {
    401: ("misconfigured", "unauthorized"),
    403: ("misconfigured", "unauthorized"),
    402: ("temporary", "refused"),
    # A wrong path answers every message like this, so a permanent verdict would reject whole mailings.
    404: ("temporary", "not_found"),
    405: ("temporary", "not_found"),
    407: ("temporary", "refused"),
    408: ("temporary", "timeout"),
    409: ("temporary", "refused"),
    421: ("temporary", "refused"),
    423: ("temporary", "refused"),
    425: ("temporary", "refused"),
    429: ("temporary", "too_many"),
}
_BY_CLASS: dict[int, tuple[ReplyVerdict, str]] = {
    3: ("temporary", "redirected"),
    4: ("permanent", "refused"),
    5: ("temporary", "server_error"),
}
_UNANSWERED: dict[ReplyKind, str] = {
    "timeout": "no reply in time",
    "unreachable": "provider unreachable",
    "broken": "connection broken",
}
# Every outcome that an attempt can have.
OUTCOMES = frozenset(
    {"accepted", "unreadable", "error_code", *_UNANSWERED}
    | {outcome for _, outcome in (*_BY_STATUS.values(), *_BY_CLASS.values())}
)


def classify(reply: Reply) -> Classification:
    """Returns the meaning of a reply. Only a 200 whose body has the integer code 0 is accepted."""
    if reply.kind != "answered" or reply.http_status is None:
        return Classification("temporary", reply.kind, _UNANSWERED.get(reply.kind, "connection broken"))
    status = reply.http_status
    if status == 200:
        return _classify_code(reply)
    verdict, outcome = _BY_STATUS.get(status) or _BY_CLASS.get(status // 100) or ("temporary", "unreadable")
    return Classification(verdict, outcome, f"HTTP {status}", _retry_after(reply) if verdict == "temporary" else None)


def _classify_code(reply: Reply) -> Classification:
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return Classification("temporary", "unreadable", "reply is not JSON")
    code = body.get("code") if isinstance(body, dict) else None
    if type(code) is not int:
        return Classification("temporary", "unreadable", "reply has no code")
    if code != 0:
        return Classification("temporary", "error_code", f"code {code}"[:LONGEST_REASON])
    return Classification("accepted", "accepted", "accepted")


def _retry_after(reply: Reply) -> timedelta | None:
    """Reads Retry-After, in seconds or as a date measured against the reply's own Date. None when unreadable."""
    value = (reply.retry_after or "").strip()
    if re.fullmatch(r"\d{1,100}", value, re.ASCII):
        return timedelta(seconds=min(int(value), int(LONGEST_RETRY_AFTER.total_seconds())))
    until, sent = _moment(value), _moment(reply.date or "")
    if until is None or sent is None:
        return None
    return min(max(until - sent, timedelta(0)), LONGEST_RETRY_AFTER)


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
