"""What the API answers, as models: moments are in UTC, and every field is always there."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.api.schemas import MailingStatus
from shared.messages import MessageStatus


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Client(Answer):
    id: int
    phone: str
    operator_code: str
    tag: str
    timezone: str
    created_at: datetime
    updated_at: datetime


class LineError(Answer):
    line: int
    detail: str


class ImportReport(Answer):
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[LineError]


class ByStatus(Answer):
    """All seven statuses; they add up to the total."""

    pending: int
    retrying: int
    sent: int
    rejected: int
    exhausted: int
    expired: int
    cancelled: int


class Filter(Answer):
    operator_codes: list[str]
    tags: list[str]


class Window(Answer):
    opens: str = Field(alias="from")
    closes: str = Field(alias="to")


class Mailing(Answer):
    id: int
    text: str
    filter: Filter
    start_at: datetime
    end_at: datetime
    window: Window | None
    status: MailingStatus
    total: int
    by_status: ByStatus
    expanding: bool
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Message(Answer):
    id: int
    client_id: int
    mailing_id: int
    status: MessageStatus
    reason: str | None
    attempts: int
    created_at: datetime
    sent_at: datetime | None


class Attempt(Answer):
    number: int
    started_at: datetime
    duration_ms: int | None
    outcome: str
    http_status: int | None
    detail: str | None


class MessageInFull(Answer):
    id: int
    client_id: int
    mailing_id: int
    status: MessageStatus
    reason: str | None
    attempts: list[Attempt]
    created_at: datetime
    sent_at: datetime | None


class MailingTotals(Answer):
    total: int
    scheduled: int
    running: int
    paused: int
    finished: int
    cancelled: int


class MessageTotals(ByStatus):
    total: int


class Totals(Answer):
    mailings: MailingTotals
    messages: MessageTotals


class MailingSummary(Answer):
    mailing_id: int
    status: MailingStatus
    start_at: datetime
    end_at: datetime
    total: int
    by_status: ByStatus


class Attempts(Answer):
    total: int
    by_outcome: dict[str, int]


class Reason(Answer):
    status: MessageStatus
    reason: str
    count: int


class Minute(Answer):
    """What became final in the minute that began at `at`."""

    at: datetime
    sent: int
    failed: int


class MailingStatistics(Answer):
    """`rate` is in messages per second, `eta` in seconds or null where it cannot be told."""

    mailing_id: int
    status: MailingStatus
    total: int
    by_status: ByStatus
    attempts: Attempts
    reasons: list[Reason]
    per_minute: list[Minute]
    rate: float
    eta: float | None
    started_at: datetime | None
    finished_at: datetime | None


class Clients(Answer):
    items: list[Client]
    next: str | None


class Mailings(Answer):
    items: list[Mailing]
    next: str | None


class Messages(Answer):
    items: list[Message]
    next: str | None


class MailingSummaries(Answer):
    items: list[MailingSummary]
    next: str | None


class Event(Answer):
    """Something that happened. `request_id` is of the request that did it; `detail` says more, without values."""

    at: datetime
    kind: str
    request_id: str | None
    detail: dict[str, Any]


class Events(Answer):
    items: list[Event]
    next: str | None


class Preview(Answer):
    """Who matches now. All operator codes are named, but only the 100 largest tags: the rest is what is missing from
    the sum. Those without a tag stand under "". `unreachable`: their window is closed from start_at to end_at.
    """

    recipients: int
    reachable: int
    unreachable: int
    by_operator_code: dict[str, int]
    by_tag: dict[str, int]
    sample: list[Client]
    sms_segments: int
