"""What the API answers about delivery."""

from pydantic import Field

from services.api.web.responses import Count, Id, ResponseModel


class TimeToHandset(ResponseModel):
    """Within how many seconds of its send a message reached the handset, to a twentieth; null while none has."""

    p50: float | None
    p95: float | None


class DeliveryCounts(ResponseModel):
    """Sent messages by what the provider's receipt says."""

    delivered: Count
    undelivered: Count
    waiting: Count = Field(description="The receipts so far say that it is on its way.")


class OperatorDelivery(DeliveryCounts):
    """The messages to one operator code. That is the number's range, not the operator it was ported to."""

    operator_code: str
    time_to_handset: TimeToHandset


class ProviderDelivery(DeliveryCounts):
    """The messages that one provider took."""

    provider: str
    unconfirmed: Count = Field(description="Messages of which no receipt has come yet.")
    no_receipt: Count = Field(
        description="The same, once `receipts_within` of the providers file has passed since the mailing finished."
    )
    time_to_handset: TimeToHandset


class DeliveryReasonCount(ResponseModel):
    """How many messages are undelivered for the same reason."""

    reason: str
    count: Count


class MailingDelivery(DeliveryCounts):
    """The delivery of one mailing. It always equals the counts of its messages."""

    mailing_id: Id
    unconfirmed: Count
    no_receipt: Count
    time_to_handset: TimeToHandset
    reasons: list[DeliveryReasonCount] = Field(description="Why messages are undelivered, the most frequent first.")
    by_provider: list[ProviderDelivery]
    by_operator: list[OperatorDelivery]
