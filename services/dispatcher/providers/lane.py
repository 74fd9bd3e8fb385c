"""The way to one provider: its client, and what may be sent through it now."""

from dataclasses import dataclass, field
from typing import Literal

from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.breaker import BreakerState, Ticket
from services.dispatcher.admission.look_ahead import LookAhead
from services.dispatcher.admission.rate_limit import NoLimit, RateGrant, RateLimit
from services.dispatcher.admission.slot_lease import SlotLease
from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.provider_api.pending_request import PendingRequest, RequestOwner
from services.dispatcher.provider_api.replies import Classification, Reply
from services.dispatcher.providers.escalation import Escalation
from services.dispatcher.providers.mapping import ProviderMapping
from services.dispatcher.providers.message_values import MessageValues
from services.dispatcher.retry import LONGEST_HELD
from shared.logs import RepeatedCauses
from shared.texts.sms import count_segments

# A provider that asks for a pause without saying for how long gets half of its requests for so long.
SLOW_SECONDS = 10.0
# How often it is looked whether a drained provider has been resumed.
DRAINED_SECONDS = 5.0


@dataclass(slots=True)
class SharedHolds:
    """What all dispatchers obey, in moments of this process's clock: see the table provider_states."""

    drained: bool = False
    held_until: float = 0.0
    slowed_until: float = 0.0


@dataclass(slots=True, eq=False)
class Lane:
    """One provider with its breaker, concurrency and rate. Moments are seconds on the clock of the claims.

    While it is on `trial`, no reply of its mapping was understood yet, and one request may be in flight: by the one
    dispatcher that has `leave` for it. `label` is what results call it; None for the provider of the environment.
    `slots` are this process's share of the provider's concurrency; None where the file sets none.
    """

    mapping: ProviderMapping
    client: HttpClient
    admission: Admission
    limiter: RateLimit
    slots: SlotLease | None = None
    label: str | None = None
    trial: bool = False
    leave: bool = False
    holds: SharedHolds = field(default_factory=SharedHolds)
    escalation: Escalation = field(default_factory=Escalation)
    # Refusals of our account, of which each is logged once a minute.
    refusals: RepeatedCauses = field(default_factory=RepeatedCauses)
    reason: str | None = None
    # Claims that wait here for room.
    waiting: int = 0
    look_ahead: LookAhead = field(default_factory=LookAhead)
    # Requests that have ended, since the process began.
    ended: int = 0

    @property
    def name(self) -> str:
        return self.mapping.name

    @property
    def unlimited(self) -> bool:
        """Whether the provider has neither a rate nor a concurrency that is shared."""
        return isinstance(self.limiter, NoLimit) and self.slots is None

    @property
    def under_way(self) -> int:
        """Requests that have their ticket."""
        return self.admission.begun

    def room(self, moment: float) -> int:
        """Returns how many requests may begin now."""
        # Who asks has a message: where that finds no slot or token, some are asked for.
        if self.slots is not None:
            self.slots.fits(self._share)
        self.limiter.fits(1)
        slots = self._room(moment) if self.slots is None else self.slots.available(self._share)
        return max(min(self._room(moment), slots, self.limiter.available), 0)

    def ahead(self, moment: float) -> int:
        """Returns how many jobs may be claimed that have no slot yet.

        None for a provider that might send a repeated request again: each claim of a dispatcher that is killed
        counts as one whose outcome nobody knows.
        """
        if self.trial or not self.mapping.deduplicates or self.admission.state(moment) != "closed":
            return 0
        return self.look_ahead.claims

    def claimable(self, moment: float) -> int:
        """Returns how many jobs may be claimed now. Tokens and slots may come while a claim is on its way."""
        room = min(self._room(moment) + self.ahead(moment), self.limiter.claimable)
        if self.slots is not None:
            room = min(room, self.slots.claimable(self._share))
        return max(room - self.waiting, 0)

    def fits(self, moment: float, text: str) -> bool:
        """Says whether the request of a message may begin now."""
        if self._room(moment) <= 0 or not (self.slots is None or self.slots.fits(self._share)):
            return False
        return self.limiter.fits(self.tokens_of(text))

    @property
    def _share(self) -> float:
        """How much of its concurrency the provider is to get, as it fails or slows down."""
        return self.admission.limit / self.admission.most

    def _room(self, moment: float) -> int:
        if self.away(moment) or self.held(moment):
            return 0
        room = self.admission.allowance(moment)
        if self.trial:
            room = min(room, 1 - self.under_way) if self.leave else 0
        if moment < self.holds.slowed_until:
            room = min(room, self.admission.limit // 2 - self.under_way)
        return room

    def held(self, moment: float) -> float:
        """Returns for how many seconds the provider asked to be left alone."""
        return max(self.holds.held_until - moment, 0.0)

    def away(self, moment: float) -> float:
        """Returns for how many seconds at least nothing can be sent, so that others are to take its messages."""
        if self.holds.drained:
            return DRAINED_SECONDS
        held = self.held(moment)
        return held if held > LONGEST_HELD.total_seconds() else self.admission.seconds_open(moment)

    def state(self, moment: float) -> BreakerState | Literal["drained", "held"]:
        """Returns drained, held, or the state of the breaker."""
        if self.holds.drained:
            return "drained"
        return "held" if self.held(moment) else self.admission.state(moment)

    def tokens_of(self, text: str) -> int:
        """Returns how much of the rate a message takes: one, or its segments."""
        return count_segments(text) if self.mapping.config.rate_of == "segments" else 1

    def begin(self, moment: float, text: str) -> tuple[Ticket, RateGrant]:
        """Records that a request begins, and returns its ticket and its tokens of the rate."""
        ticket = self.admission.begin(moment)
        if self.slots is not None:
            self.slots.take(ticket)
        return ticket, self.limiter.take(self.tokens_of(text))

    def withdraw(self, ticket: Ticket) -> None:
        """Takes back the ticket of a request that did not begin, or left no reply. One that ended is left alone."""
        self.admission.withdraw(ticket)
        if self.slots is not None:
            self.slots.done(ticket)

    def send(self, values: MessageValues, *, deadline: float, owner: RequestOwner) -> PendingRequest | None:
        """Sends the request of a message: see services/dispatcher/provider_api/http_client.py."""
        method, path, headers, body = self.mapping.render(values)
        return self.client.begin(path, body, headers, method=method, deadline=deadline, owner=owner)

    def classify(self, message_id: int, reply: Reply, values: MessageValues | None) -> Classification:
        """Returns the meaning of a reply. One that is understood ends the trial."""
        found = self.mapping.classify(reply, values)
        if found.verdict != "unknown" and reply.kind == "answered":
            self.trial = False
        return self.escalation.judge(message_id, found) if self.mapping.escalates else found

    def record(self, moment: float, ticket: Ticket, grant: RateGrant, seconds: float, found: Classification) -> None:
        """Records how a request ended, and after how many seconds."""
        self.ended += 1
        if self.slots is not None:
            self.slots.done(ticket)
        self.limiter.done(grant, slow=moment < self.holds.slowed_until)
        if found.verdict == "hold":
            self.reason = found.reason
            self.admission.trip(moment, ticket)
            return
        failed = found.verdict in {"temporary", "unknown"}
        self.admission.end(moment, ticket, seconds=seconds, failed=failed)
        if found.verdict != "throttled":
            return
        self.reason = found.reason
        if found.retry_after is None:
            self.holds.slowed_until = moment + SLOW_SECONDS
        else:
            self.holds.held_until = max(self.holds.held_until, moment + found.retry_after.total_seconds())
