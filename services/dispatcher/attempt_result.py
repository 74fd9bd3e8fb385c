"""Builds the result of an attempt for the reporter, and the fields of its log line. Pure."""

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from services.dispatcher.claimed_job import ClaimedJob, SentRequest
from services.dispatcher.claims.claim import Claim
from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.providers.lane import Lane
from services.dispatcher.retry import UNKNOWN, Decision, Finish, Retry
from services.dispatcher.scrub import scrub
from shared.messages import Result
from shared.statuses import AttemptOutcome
from shared.texts.sms import count_segments


def build_result(
    claimed: ClaimedJob, sent: SentRequest, classification: Classification, decision: Decision, lane: Lane
) -> Result:
    """Makes the result of an attempt. What the provider sent is scrubbed of phone, text and its secrets."""
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
        detail=_detail(claimed, sent, classification, lane.mapping.secrets.known),
        failed=decision.failed,
        queued=retry.queued if retry else False,
        due_at=sent.ended_at(claim) + retry.delay if retry else None,
        request_id=claim.request_id,
        provider=lane.label,
        provider_id=classification.provider_id,
        cost=_cost(claim, classification, lane),
        unsure=lane.label is not None and may_have_arrived(classification),
        refused=lane.label is not None and retry is not None and classification.verdict == "permanent",
        opt_out=classification.opt_out,
    )


def _cost(claim: Claim, classification: Classification, lane: Lane) -> Decimal | None:
    """Returns what the provider said that it costs, or what the file says of an accepted message."""
    price = lane.mapping.config.price
    if price is None or classification.cost is not None or classification.verdict != "accepted":
        return classification.cost
    return price.per_segment * count_segments(claim.text)


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


def may_have_arrived(classification: Classification) -> bool:
    """Says whether the provider may have the message though nobody read a success."""
    return classification.verdict in {"temporary", "unknown", "duplicate"} and not classification.not_taken


def learned(claim: Claim, lane: Lane, classification: Classification) -> dict[str, Any]:
    """Returns what the job of a retry says of the attempts before. Nothing without a providers file."""
    if lane.label is None:
        return {}
    refused = (*claim.refused, lane.label) if classification.verdict == "permanent" else tuple(claim.refused)
    return {"unsure": claim.unsure or may_have_arrived(classification), "refused": refused}


def build_unsent(claim: Claim, reason: str, *, unsure: bool) -> Result:
    """Makes the result of a message that ends without a request.

    `unsure`: it is that of an attempt which is not to be repeated, though nobody knows what became of it.
    """
    return Result(
        message_id=claim.message_id,
        mailing_id=claim.mailing_id,
        client_id=claim.client_id,
        number=claim.number,
        status="exhausted" if unsure else "rejected",
        outcome="broken" if unsure else "refused",
        started_at=claim.claimed_at,
        duration_ms=0,
        reason=reason,
        failed=unsure,
        request_id=claim.request_id,
        provider=claim.provider,
        unsure=unsure,
    )


def build_unsettled(claimed: ClaimedJob, sent: SentRequest, delay: timedelta, lane: Lane) -> Result:
    """Makes the result of an attempt that an error of Herald's ended: it may have arrived.

    It is tried again where the provider drops a second request of the same message.
    """
    again = lane.mapping.deduplicates
    return Result(
        message_id=claimed.job.message_id,
        mailing_id=claimed.job.mailing_id,
        client_id=claimed.job.client_id,
        number=claimed.claim.number,
        status="retrying" if again else "exhausted",
        outcome="broken",
        started_at=sent.started_at(claimed.claim),
        duration_ms=round(sent.seconds * 1000),
        reason=None if again else f"{UNKNOWN}an error of the dispatcher",
        detail="an error of the dispatcher",
        failed=True,
        queued=False,
        due_at=sent.ended_at(claimed.claim) + delay if again else None,
        request_id=claimed.claim.request_id,
        provider=lane.label,
        unsure=lane.label is not None,
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


def _detail(
    claimed: ClaimedJob, sent: SentRequest, classification: Classification, secrets: Collection[str]
) -> str | None:
    if classification.verdict == "accepted":
        return None
    received = scrub(
        sent.reply.detail or sent.reply.body.decode("utf-8", "replace"),
        phone=claimed.claim.phone,
        text=claimed.claim.text,
        secrets=secrets,
        values=claimed.claim.told,
    )
    return f"{classification.reason}: {received}" if received else classification.reason
