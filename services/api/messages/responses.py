"""What the API answers about messages and their attempts."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.clients.responses import CodeShown, PhoneShown
from services.api.web.responses import Count, Id, Next, ResponseModel
from shared.statuses import Delivery, MessageStatus

DeliveryShown = Annotated[
    Delivery | None, Field(description="What the provider's receipt says of a sent message; null without a receipt.")
]
DeliveryReason = Annotated[str | None, Field(description="Why it is undelivered, as the provider says, or null.")]
DeliveredAt = Annotated[datetime | None, Field(description="When it reached the handset, or null.")]


class Message(ResponseModel):
    """One mailing to one client, with the number of its attempts."""

    id: Id
    client_id: Id
    phone: PhoneShown | None = Field(description="The client's present phone; null for a deleted client.")
    operator_code: CodeShown | None = Field(description="The client's present operator code.")
    tag: str | None = Field(description="The client's present tag; empty for a deleted client.")
    mailing_id: Id
    status: MessageStatus
    reason: str | None = Field(description="Why the message has this status, or null.")
    attempts: Count = Field(description="The number of requests to the provider.")
    created_at: datetime
    sent_at: datetime | None = Field(description="When the provider accepted it, or null.")
    delivery: DeliveryShown
    delivery_reason: DeliveryReason
    delivered_at: DeliveredAt


class Messages(ResponseModel):
    """A page of messages."""

    items: list[Message]
    next: Next


class MessageOfClient(ResponseModel):
    """One mailing to the client that was asked for."""

    id: Id
    mailing_id: Id
    mailing_name: str = Field(description="Empty if it has none.")
    mailing_deleted: bool = Field(description="Whether the mailing was deleted since.")
    status: MessageStatus
    reason: str | None = Field(description="Why the message has this status, or null.")
    attempts: Count = Field(description="The number of requests to the provider.")
    created_at: datetime
    sent_at: datetime | None = Field(description="When the provider accepted it, or null.")


class MessagesOfClient(ResponseModel):
    """A page of the messages to one client."""

    items: list[MessageOfClient]
    next: Next


class Attempt(ResponseModel):
    """One HTTP request to the provider."""

    number: Annotated[int, Field(description="The number of the attempt, from 1.", json_schema_extra={"minimum": 1})]
    started_at: datetime | None = Field(
        description="When the request started; null for a lost attempt, whose start is unknown."
    )
    duration_ms: Count | None
    outcome: str = Field(description="The outcome: accepted, refused, timeout and so on.")
    http_status: int | None = Field(description="The HTTP status of the reply, or null if there was none.")
    detail: str | None
    provider: str | None = Field(description="The provider's name in the providers file; null without one.")
    provider_id: str | None = Field(description="The id that the provider gave the message, or null.")
    cost: float | None = Field(description="What the provider said that it costs, in its own currency, or null.")


class MessageInFull(ResponseModel):
    """One mailing to one client, with each of its attempts."""

    id: Id
    client_id: Id
    mailing_id: Id
    status: MessageStatus
    reason: str | None = Field(description="Why the message has this status, or null.")
    attempts: list[Attempt]
    created_at: datetime
    sent_at: datetime | None = Field(description="When the provider accepted it, or null.")
    delivery: DeliveryShown
    delivery_reason: DeliveryReason
    delivered_at: DeliveredAt
