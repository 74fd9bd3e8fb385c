"""Classifies replies of the provider: from reply to verdict, as a table. Pure.

docs/providers.md shows the table to those who run a provider.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from services.dispatcher.provider_api.reply_body import Unread, read_code
from services.dispatcher.provider_api.retry_after import read_retry_after
from shared.providers.schema import MappedVerdict

ReplyVerdict = MappedVerdict
ReplyKind = Literal["answered", "timeout", "unreachable", "broken"]

LONGEST_REASON = 100


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the provider, or its absence.

    "unreachable": no byte of the request was written. "timeout" and "broken": it was, and may have arrived. `body` is
    unpacked, and cut at 64 KiB. `detail` is what broke, where no answer came.
    """

    kind: ReplyKind
    http_status: int | None = None
    body: bytes = b""
    retry_after: str | None = None
    date: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The meaning of a reply.

    `outcome` is the word that statistics count; `reason` is a short phrase to be shown, without a colon, since a
    detail follows one. `not_taken`: the provider certainly did not take the message, so the attempt spends no budget,
    unless it is `counted`. An acceptance may come with the provider's own id and the cost. `elsewhere`: another
    provider may take what this one refuses; `opt_out`: the recipient wants nothing. `rule` is the number of the rule
    that matched, None where none did.
    """

    verdict: ReplyVerdict
    outcome: str
    reason: str
    retry_after: timedelta | None = None
    not_taken: bool = False
    counted: bool = False
    provider_id: str | None = None
    cost: Decimal | None = None
    elsewhere: bool = False
    opt_out: bool = False
    rule: int | None = None

    @property
    def spends_budget(self) -> bool:
        """Whether the attempt counts towards the most that a message may have."""
        return self.verdict in {"temporary", "unknown", "duplicate"} and (self.counted or not self.not_taken)


# These say by themselves that the message was taken, unless their body says otherwise.
_ACCEPTING = frozenset({201, 202})
# Statuses that differ from their class in _BY_CLASS. A 2xx is judged by the code in its body.
_BY_STATUS: dict[int, tuple[ReplyVerdict, str]] = {
    401: ("hold", "unauthorized"),
    403: ("hold", "unauthorized"),
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
    # Those that only a provider of the file can have.
    | {"duplicate", "hold", "too_late"}
)


def classify(reply: Reply) -> Classification:
    """Returns the meaning of a reply. What plainly says that the message was taken is accepted."""
    if reply.kind != "answered" or reply.http_status is None:
        reason = _UNANSWERED.get(reply.kind, "connection broken")
        return Classification("temporary", reply.kind, reason, not_taken=reply.kind == "unreachable")
    if reply.http_status // 100 == 2:
        return _classify_success(reply.http_status, reply.body)
    return _classify_refusal(reply.http_status, reply)


def _classify_success(status: int, body: bytes) -> Classification:
    if status == 204 or (status in _ACCEPTING and not body):
        return _ACCEPTED
    code = read_code(body)
    if code == 0 or (code is Unread.NO_CODE and status in _ACCEPTING):
        return _ACCEPTED
    if isinstance(code, int):
        return Classification("temporary", "error_code", f"code {code}"[:LONGEST_REASON])
    return _NOT_JSON if code is Unread.NOT_JSON else _NO_CODE


def _classify_refusal(status: int, reply: Reply) -> Classification:
    verdict, outcome = _BY_STATUS.get(status) or _BY_CLASS.get(status // 100) or ("temporary", "unreadable")
    meaning = Classification(verdict, outcome, f"HTTP {status}", not_taken=status == 429 or verdict == "hold")
    if verdict != "temporary":
        return meaning
    asked = read_retry_after(reply.retry_after, reply.date)
    # Whoever names the time to come again has not taken the message.
    return replace(meaning, retry_after=asked, not_taken=meaning.not_taken or (status == 503 and asked is not None))


_ACCEPTED = Classification("accepted", "accepted", "accepted")
_NOT_JSON = Classification("temporary", "unreadable", "reply is not JSON")
_NO_CODE = Classification("temporary", "unreadable", "reply has no code")
