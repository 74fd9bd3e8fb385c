"""What the API answers about statistics."""

from datetime import datetime

from pydantic import Field

from services.api.mailings.responses import ByStatus
from services.api.statistics.delivery_responses import DeliveryCounts
from services.api.web.responses import Count, Id, Next, ResponseModel
from shared.statuses import MailingStatus, MessageStatus


class MailingTotals(ResponseModel):
    """The number of mailings in each state."""

    total: Count
    draft: Count
    scheduled: Count
    running: Count
    paused: Count
    finished: Count
    cancelled: Count


class MessageTotals(ByStatus):
    """The number of messages in each of the seven statuses, including those of deleted mailings."""

    total: Count


class Totals(ResponseModel):
    """The counts of all mailings and all messages."""

    mailings: MailingTotals
    messages: MessageTotals


class MailingSummary(ResponseModel):
    """The counts of one mailing."""

    mailing_id: Id
    status: MailingStatus
    start_at: datetime
    end_at: datetime
    total: Count
    by_status: ByStatus


class MailingSummaries(ResponseModel):
    """A page of the counts of mailings."""

    items: list[MailingSummary]
    next: Next


class Attempts(ResponseModel):
    """The requests to the provider, by outcome."""

    total: Count
    by_outcome: dict[str, Count]


class ProviderAttempts(ResponseModel):
    """The requests to one provider of the providers file, by outcome, and what it said that they cost."""

    provider: str
    by_outcome: dict[str, Count]
    cost: float


class Reason(ResponseModel):
    """How many messages have a status for the same reason."""

    status: MessageStatus
    reason: str
    count: Count


class Minute(ResponseModel):
    """The messages that became final in the minute that began at `at`."""

    at: datetime
    sent: Count
    failed: Count


class MailingStatistics(ResponseModel):
    """The statistics of one mailing. They always equal the counts of its messages."""

    mailing_id: Id
    status: MailingStatus
    total: Count
    by_status: ByStatus
    attempts: Attempts
    by_provider: list[ProviderAttempts] = Field(description="Empty without a providers file.")
    reasons: list[Reason]
    delivery: DeliveryCounts | None = Field(description="What receipts say of sent messages; null without receipts.")
    per_minute: list[Minute]
    rate: float = Field(description="Messages that become final per second, at present.")
    eta: float | None = Field(
        description="Estimated seconds until all messages are final at this rate; null if unknown."
    )
    started_at: datetime | None
    finished_at: datetime | None
