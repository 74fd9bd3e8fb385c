"""Builds values with good defaults, so that a test names only what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.dispatcher.admission.breaker import Ticket
from services.dispatcher.claims.claim import Claim
from services.dispatcher.provider_api.replies import Classification, Reply
from services.dispatcher.retry import RetryFacts, RetryPolicy
from services.reporter.tally import MessageRecord
from shared.messages import Job, Result
from shared.settings import DEFAULT_RETRY_DELAYS

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PHONE = "79991234567"
TEXT = "Your order is ready"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJoZXJhbGQifQ.c2lnbmF0dXJl"


def a_result(**over: Any) -> Result:
    """Builds the result of attempt 1 of message 1 of mailing 7: sent at noon in 40 ms."""
    usual: dict[str, Any] = {
        "message_id": 1,
        "mailing_id": 7,
        "client_id": 3,
        "number": 1,
        "status": "sent",
        "outcome": "accepted",
        "started_at": NOON,
        "duration_ms": 40,
        "http_status": 200,
    }
    return Result(**{**usual, **over})


def a_retrying_result(**over: Any) -> Result:
    """Builds the result of the same attempt as a server error, with a retry on the broker that is due 5 s later."""
    usual: dict[str, Any] = {
        "status": "retrying",
        "outcome": "server_error",
        "http_status": 500,
        "detail": "HTTP 500",
        "failed": True,
        "queued": True,
        "due_at": NOON + timedelta(seconds=5),
    }
    return a_result(**{**usual, **over})


def a_job(**over: Any) -> Job:
    """Builds the job of the first attempt of message 1 of mailing 7."""
    return Job(**{"message_id": 1, "mailing_id": 7, "client_id": 3, "attempt": 1, **over})


def a_claim(**over: Any) -> Claim:
    """Builds a claim that permits attempt 1 of message 1, an hour before the end."""
    usual: dict[str, Any] = {
        "message_id": 1,
        "verdict": "send",
        "number": 1,
        "mailing_id": 7,
        "client_id": 3,
        "failures": 0,
        "text": TEXT,
        "phone": PHONE,
        "seconds_left": 3600.0,
        "claimed_at": NOON,
        "request_id": "req-1",
        "waited": 0.5,
    }
    return Claim(**{**usual, **over})


def a_ticket(*, probe: bool = False) -> Ticket:
    return Ticket(epoch=0, probe=probe)


def a_reply(body: bytes = b'{"code": 0, "message": "OK"}', http_status: int = 200, **over: Any) -> Reply:
    """Builds a reply of the provider that means success."""
    return Reply("answered", http_status, body, **over)


def a_classification(**over: Any) -> Classification:
    """A server error."""
    return Classification(**{"verdict": "temporary", "outcome": "server_error", "reason": "HTTP 500", **over})


def some_facts(**over: Any) -> RetryFacts:
    """No failure before, and an hour left."""
    return RetryFacts(**{"failures": 0, "left": timedelta(hours=1), **over})


def a_policy(**over: Any) -> RetryPolicy:
    """The retry delays and the budget of a Herald that nobody configured."""
    return RetryPolicy(**{"delays": DEFAULT_RETRY_DELAYS, "max_attempts": 8, **over})


def a_record(**over: Any) -> MessageRecord:
    """A message of mailing 7 whose first attempt is claimed, and nothing recorded."""
    return MessageRecord(**{"mailing_id": 7, "recorded": 0, "first_try": False, "claimed": 1, **over})
