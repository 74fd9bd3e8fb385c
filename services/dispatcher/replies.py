"""What a reply means: reply to verdict, as a table. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

import orjson

Verdict = Literal["accepted", "temporary", "permanent", "misconfigured"]
Kind = Literal["answered", "timeout", "unreachable", "broken"]

LONGEST_REASON = 100
LONGEST_RETRY_AFTER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `body` is cut at 64 KiB; `detail` says what broke when nothing was answered."""

    kind: Kind
    http_status: int | None = None
    body: bytes = b""
    retry_after: str | None = None
    date: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reply means. `outcome` is the word that statistics count; `reason` is for people."""

    verdict: Verdict
    outcome: str
    reason: str
    retry_after: timedelta | None = None


# What is not in the table: 2xx is read for its code, other 3xx and 5xx are temporary, other 4xx permanent.
_BY_STATUS: dict[int, tuple[Verdict, str]] = {
    401: ("misconfigured", "unauthorized"),
    403: ("misconfigured", "unauthorized"),
    402: ("temporary", "refused"),
    # A wrong path would answer every message so: giving each up for good would be rash.
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
_BY_CLASS: dict[int, tuple[Verdict, str]] = {
    3: ("temporary", "redirected"),
    4: ("permanent", "refused"),
    5: ("temporary", "server_error"),
}
_UNANSWERED: dict[Kind, str] = {
    "timeout": "no reply in time",
    "unreachable": "provider unreachable",
    "broken": "connection broken",
}
# Every outcome there can be.
OUTCOMES = frozenset(
    {"accepted", "unreadable", "error_code", *_UNANSWERED}
    | {outcome for _, outcome in (*_BY_STATUS.values(), *_BY_CLASS.values())}
)


def read(reply: Reply) -> Meaning:
    """Returns what a reply means. Only a 200 whose body has the integer code 0 is accepted."""
    if reply.kind != "answered" or reply.http_status is None:
        return Meaning("temporary", reply.kind, _UNANSWERED.get(reply.kind, "connection broken"))
    status = reply.http_status
    if status == 200:
        return _read_code(reply)
    verdict, outcome = _BY_STATUS.get(status) or _BY_CLASS.get(status // 100) or ("temporary", "unreadable")
    return Meaning(verdict, outcome, f"HTTP {status}", _retry_after(reply) if verdict == "temporary" else None)


def _read_code(reply: Reply) -> Meaning:
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return Meaning("temporary", "unreadable", "reply is not JSON")
    code = body.get("code") if isinstance(body, dict) else None
    if type(code) is not int:
        return Meaning("temporary", "unreadable", "reply has no code")
    if code != 0:
        return Meaning("temporary", "error_code", f"code {code}"[:LONGEST_REASON])
    return Meaning("accepted", "accepted", "accepted")


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
