"""Decides what needs somebody's attention. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from services.api.health.responses import Attention, AttentionCode, HealthShown
from services.api.health.store import TITLE_LENGTH, FailingMailing
from services.api.mailings.responses import Mailing

# The share of failed messages above which a mailing is shown.
FAILED_SHARE = 0.05
# How near an end is at which a mailing that does not send is shown.
NEAR = timedelta(hours=1)


def attend(health: HealthShown, failing: Sequence[FailingMailing], active: Sequence[Mailing]) -> list[Attention]:
    """Returns what needs attention, what concerns all mailings first. `active`: mailings that run or are paused."""
    return [*_of_all(health), *(_of_failing(one) for one in failing), *_of_active(active, health.at)]


def _of_all(health: HealthShown) -> Iterator[Attention]:
    if health.activity.holds_up and health.backlog:
        yield _attention("held_up")
    if health.broker == "away":
        yield _attention("broker_away")
    if health.dead_letters:
        yield _attention("dead_letters", count=health.dead_letters)


def _of_failing(one: FailingMailing) -> Attention:
    return Attention(
        code="failing" if one.sent else "nothing_sent",
        mailing_id=one.mailing_id,
        title=one.title,
        count=one.failed,
        share=round(one.failed / (one.failed + one.sent), 3),
        at=one.end_at,
    )


def _of_active(active: Sequence[Mailing], now: datetime) -> Iterator[Attention]:
    for mailing in active:
        left, seconds = mailing.by_status.pending + mailing.by_status.retrying, (mailing.end_at - now).total_seconds()
        code: AttentionCode | None = None
        if not left or seconds <= 0:
            continue
        if mailing.status == "paused":
            code = "ends_paused" if seconds <= NEAR.total_seconds() else None
        elif mailing.eta is not None:
            code = "late" if mailing.eta > seconds else None
        elif not mailing.rate and not mailing.expanding and seconds <= NEAR.total_seconds():
            code = "ends_unsent"
        if code is not None:
            title = mailing.name or mailing.text[:TITLE_LENGTH]
            yield _attention(code, mailing_id=mailing.id, title=title, count=left, at=mailing.end_at)


def _attention(code: AttentionCode, **parameters: object) -> Attention:
    return Attention.model_validate({**dict.fromkeys(Attention.model_fields), "code": code, **parameters})
