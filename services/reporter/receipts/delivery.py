"""Decides what a receipt says of its message. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shared.messages import Receipt
from shared.providers.delivery_times import bucket_of
from shared.statuses import Delivery, MessageStatus

# fold: the message was sent. prove: it was taken, though no acceptance was read. wait: its result may be on its way.
# strange: there is no such message at this provider. unsent: the provider refused it.
Fate = Literal["fold", "prove", "wait", "strange", "unsent"]

_RANK: dict[Delivery, int] = {"waiting": 1, "undelivered": 2, "delivered": 3}
# A provider's moment further from our own is damaged, or of a clock in another zone.
EARLIEST, LONGEST_AHEAD = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """What is known of a message's way to the handset. `bucket`: how long that took, None if it is not known."""

    delivery: Delivery
    reason: str
    at: datetime
    bucket: int | None


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """What the tables hold about the message of a receipt, under its row lock.

    `providers` are those that may have it, and `refused_by` those of them that certainly did not take it. `open`: a
    request may be under way. `unsure`: an attempt that ended may have arrived. `delivery` is what earlier receipts
    said, which is counted at the provider `counted_at`.
    """

    message_id: int
    mailing_id: int
    client_id: int
    operator_code: str
    status: MessageStatus
    reason: str | None
    attempts: int
    final_at: datetime | None
    providers: frozenset[str]
    open: bool
    unsure: bool
    counted_at: str | None
    delivery: DeliveryState | None
    refused_by: frozenset[str] = frozenset()


def judge(provider: str, facts: ReceiptFacts) -> Fate:
    """Judges a receipt of a provider for a message that is in the tables."""
    if facts.status in {"pending", "retrying"} and (facts.open or not facts.unsure):
        return "wait"
    if provider not in facts.providers:
        return "strange"
    if facts.status == "sent":
        return "fold"
    if provider in facts.refused_by:
        return "unsent"
    if facts.unsure or (facts.reason or "").startswith("outcome unknown"):
        return "prove"
    return "unsent"


def advance(
    state: DeliveryState | None, receipt: Receipt, received_at: datetime, sent_at: datetime | None
) -> DeliveryState | None:
    """Returns what is known after a receipt; None if it says nothing new.

    A late `delivered` wins over all, and of two that say the same the first stands: receipts may come in any order,
    and any number of times.
    """
    if state is not None and _RANK[receipt.delivery] <= _RANK[state.delivery]:
        return None
    at = _plausible(receipt.at, received_at, sent_at)
    reason, bucket = "", None
    if receipt.delivery == "undelivered":
        reason = receipt.reason or "no reason given"
    elif receipt.delivery == "delivered" and sent_at is not None:
        bucket = bucket_of((at - sent_at).total_seconds())
    return DeliveryState(receipt.delivery, reason, at, bucket)


def _plausible(at: datetime | None, received_at: datetime, sent_at: datetime | None) -> datetime:
    """Returns the provider's moment, or ours where it gives none that can be."""
    if at is None or at > received_at + LONGEST_AHEAD or (sent_at is not None and at < sent_at - EARLIEST):
        return received_at
    return at
