"""What a reply means that no rule of the file matches. Pure."""

from collections.abc import Mapping

from services.dispatcher.provider_api.replies import Classification, Reply, ReplyKind, ReplyVerdict
from services.dispatcher.provider_api.retry_after import read_retry_after

# The word under which an attempt is counted whose rule gives no better one.
OUTCOMES_BY_VERDICT: Mapping[ReplyVerdict, str] = {
    "accepted": "accepted",
    "duplicate": "duplicate",
    "temporary": "refused",
    "throttled": "too_many",
    "permanent": "refused",
    "hold": "hold",
    "unknown": "unreadable",
}
_BY_STATUS: Mapping[int, tuple[ReplyVerdict, str]] = {
    401: ("hold", "unauthorized"),
    402: ("hold", "hold"),
    403: ("hold", "unauthorized"),
    404: ("hold", "not_found"),
    405: ("hold", "not_found"),
    408: ("unknown", "timeout"),
    429: ("throttled", "too_many"),
}
_BY_CLASS: Mapping[int, tuple[ReplyVerdict, str]] = {
    2: ("unknown", "unreadable"),
    3: ("hold", "redirected"),
    4: ("permanent", "refused"),
    5: ("unknown", "server_error"),
}
_UNANSWERED: Mapping[ReplyKind, str] = {"timeout": "no reply in time", "broken": "connection broken"}


def classify_unmatched(reply: Reply) -> Classification:
    """Returns the usual meaning of a reply, or of none. What may have been taken is unknown."""
    if reply.kind == "unreachable":
        return Classification("temporary", "unreachable", "provider unreachable", not_taken=True)
    if reply.kind != "answered" or reply.http_status is None:
        return Classification("unknown", reply.kind, _UNANSWERED.get(reply.kind, "connection broken"))
    status = reply.http_status
    verdict, outcome = _BY_STATUS.get(status) or _BY_CLASS.get(status // 100) or ("unknown", "unreadable")
    reason = "no rule for the reply" if status // 100 == 2 else f"HTTP {status}"
    asked = read_retry_after(reply.retry_after, reply.date) if verdict == "throttled" else None
    return Classification(verdict, outcome, reason, asked, not_taken=verdict in {"throttled", "permanent", "hold"})
