"""Builds the result of an attempt for the reporter, and the fields of its log line. Pure."""

from datetime import timedelta
from typing import cast

from services.dispatcher.claimed_job import ClaimedJob, SentRequest
from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.retry import Decision, Finish, Retry
from services.dispatcher.scrub import scrub
from shared.messages import Result
from shared.statuses import AttemptOutcome


def build_result(
    claimed: ClaimedJob, sent: SentRequest, classification: Classification, decision: Decision, *, token: str
) -> Result:
    """Makes the result of an attempt. What the provider sent is scrubbed of phone, text and `token`."""
    claim, job = claimed.claim, claimed.job
    finish = decision if isinstance(decision, Finish) else None
    retry = decision if isinstance(decision, Retry) else None
    return Result(
        message_id=job.message_id,
        mailing_id=job.mailing_id,
        client_id=job.client_id,
        number=claim.number,
        status=finish.status if finish else "retrying",
        outcome=cast(AttemptOutcome, classification.outcome),
        started_at=sent.started_at(claim),
        duration_ms=round(sent.seconds * 1000),
        http_status=sent.reply.http_status,
        reason=finish.reason if finish else None,
        detail=_detail(claimed, sent, classification, token),
        failed=decision.failed,
        queued=retry.queued if retry else False,
        due_at=sent.ended_at(claim) + retry.delay if retry else None,
        request_id=claim.request_id,
    )


def build_refused(claimed: ClaimedJob, reason: str) -> Result:
    """Makes the result of an attempt whose text cannot be rendered: the message is rejected, without a request."""
    return Result(
        message_id=claimed.job.message_id,
        mailing_id=claimed.job.mailing_id,
        client_id=claimed.job.client_id,
        number=claimed.claim.number,
        status="rejected",
        outcome="not_rendered",
        started_at=claimed.claim.claimed_at,
        duration_ms=0,
        reason=reason,
        request_id=claimed.claim.request_id,
    )


def build_unsettled(claimed: ClaimedJob, sent: SentRequest, delay: timedelta) -> Result:
    """Makes the result of an attempt that an error of Herald's ended: it may have arrived, and is tried again."""
    return Result(
        message_id=claimed.job.message_id,
        mailing_id=claimed.job.mailing_id,
        client_id=claimed.job.client_id,
        number=claimed.claim.number,
        status="retrying",
        outcome="broken",
        started_at=sent.started_at(claimed.claim),
        duration_ms=round(sent.seconds * 1000),
        detail="an error of the dispatcher",
        failed=True,
        queued=False,
        due_at=sent.ended_at(claimed.claim) + delay,
        request_id=claimed.claim.request_id,
    )


def failure_fields(
    claimed: ClaimedJob, classification: Classification, decision: Decision, result: Result
) -> dict[str, object]:
    """Returns the log fields of an attempt that failed: the provider's reply, cut and scrubbed, and what follows."""
    fields: dict[str, object] = {
        "verdict": classification.verdict,
        "detail": result.detail,
        "reason": result.reason,
        "failures": claimed.claim.failures + result.failed,
        "spends_budget": result.failed,
    }
    if classification.retry_after is not None:
        fields["retry_after_s"] = classification.retry_after.total_seconds()
    if isinstance(decision, Retry):
        fields["retry_in_s"] = decision.delay.total_seconds()
        fields["due_at"] = result.due_at
        fields["queued"] = decision.queued
    return fields


def _detail(claimed: ClaimedJob, sent: SentRequest, classification: Classification, token: str) -> str | None:
    if classification.verdict == "accepted":
        return None
    received = scrub(
        sent.reply.detail or sent.reply.body.decode("utf-8", "replace"),
        phone=claimed.claim.phone,
        text=claimed.claim.text,
        token=token,
        values=claimed.claim.values,
    )
    return f"{classification.reason}: {received}" if received else classification.reason
