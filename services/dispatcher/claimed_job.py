"""A job that was claimed for sending, and the request that was made for it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.dispatcher.admission.breaker import Ticket
from services.dispatcher.claims.claim import Claim
from services.dispatcher.provider_api.replies import Reply
from shared.broker import Delivery
from shared.messages import Job


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """What was true when a claim was asked for.

    `name` is what it was claimed under, `term` that of the lease, `heard` the number of edits heard by then, and
    `asked` the moment in seconds, on the clock of services/dispatcher/claims/clock.py.
    """

    name: UUID
    term: int
    heard: int
    asked: float


class ClaimedJob(msgspec.Struct, frozen=True, gc=False):
    """A job whose claim has the verdict "send"."""

    delivery: Delivery
    job: Job
    claim: Claim
    terms: ClaimTerms
    ticket: Ticket

    @property
    def key(self) -> tuple[int, int]:
        """Names the claim: the message and the number."""
        return self.claim.message_id, self.claim.number

    @property
    def ids(self) -> dict[str, int | str | None]:
        """The fields that every log line of this attempt carries."""
        return {
            "mailing_id": self.job.mailing_id,
            "message_id": self.job.message_id,
            "client_id": self.job.client_id,
            "attempt": self.claim.number,
            "request_id": self.claim.request_id,
        }


class SentRequest(msgspec.Struct, frozen=True, gc=False):
    """A request to the provider and its reply.

    It began `begun_after` seconds after its claim was asked for, and took `seconds`.
    """

    reply: Reply
    begun_after: float
    seconds: float

    def started_at(self, claim: Claim) -> datetime:
        """Returns when the request began, on the database's clock."""
        return claim.claimed_at + timedelta(seconds=self.begun_after)

    def ended_at(self, claim: Claim) -> datetime:
        """Returns when the reply was there, on the database's clock."""
        return self.started_at(claim) + timedelta(seconds=self.seconds)
