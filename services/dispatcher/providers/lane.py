"""The way to one provider: its client, and what may be sent through it now."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.breaker import Ticket
from services.dispatcher.admission.rate_limit import RateLimit
from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.provider_api.replies import Classification, Reply
from services.dispatcher.providers.escalation import Escalation
from services.dispatcher.providers.mapping import ProviderMapping
from services.dispatcher.providers.message_values import MessageValues

# A provider that asks for a pause without saying for how long gets half of its requests for so long.
SLOW_SECONDS = 10.0
# A provider that is held for longer is away: other providers of the route take its messages.
LONGEST_HELD_SECONDS = 600.0
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

    While it is on `trial`, no reply of its mapping was understood yet, and one request may be in flight.
    """

    mapping: ProviderMapping
    client: HttpClient
    admission: Admission
    limiter: RateLimit | None
    clock: Callable[[], float]
    trial: bool = False
    holds: SharedHolds = field(default_factory=SharedHolds)
    escalation: Escalation = field(default_factory=Escalation)
    reason: str | None = None

    @property
    def name(self) -> str:
        return self.mapping.name

    @property
    def under_way(self) -> int:
        """Requests that have their ticket."""
        return self.admission.begun

    def room(self, moment: float) -> int:
        """Returns how many requests may begin now."""
        if self.away(moment) or self.held(moment):
            return 0
        room = self.admission.allowance(moment)
        if self.trial:
            room = min(room, 1 - self.under_way)
        if moment < self.holds.slowed_until:
            room = min(room, self.admission.limit // 2 - self.under_way)
        if self.limiter is not None:
            room = min(room, self.limiter.available)
        return max(room, 0)

    def held(self, moment: float) -> float:
        """Returns for how many seconds the provider asked to be left alone."""
        return max(self.holds.held_until - moment, 0.0)

    def away(self, moment: float) -> float:
        """Returns for how many seconds at least nothing can be sent, so that others are to take its messages."""
        if self.holds.drained:
            return DRAINED_SECONDS
        held = self.held(moment)
        return held if held > LONGEST_HELD_SECONDS else self.admission.seconds_open(moment)

    def state(self, moment: float) -> str:
        """Returns drained, held, or the state of the breaker."""
        if self.holds.drained:
            return "drained"
        return "held" if self.held(moment) else self.admission.state(moment)

    def begin(self, moment: float) -> Ticket:
        """Records that a request begins, and returns its ticket."""
        if self.limiter is not None:
            self.limiter.take(1)
        return self.admission.begin(moment)

    def withdraw(self, ticket: Ticket, *, begun: bool) -> None:
        """Takes a ticket back. If its request did not begin, its place in the rate is free again."""
        self.admission.withdraw(ticket)
        if not begun and self.limiter is not None:
            self.limiter.put_back(1)

    def classify(self, message_id: int, reply: Reply, values: MessageValues | None) -> Classification:
        """Returns the meaning of a reply. One that is understood ends the trial."""
        found = self.mapping.classify(reply, values)
        if found.verdict != "unknown" and reply.kind == "answered":
            self.trial = False
        return self.escalation.judge(message_id, found) if self.mapping.escalates else found

    def record(self, moment: float, ticket: Ticket, seconds: float, found: Classification) -> timedelta | None:
        """Records how a request ended. Returns for how long all dispatchers are to hold the provider, if they are."""
        if found.verdict == "hold":
            self.reason = found.reason
            self.admission.trip(moment, ticket)
            return None
        failed = found.verdict in {"temporary", "unknown"}
        self.admission.end(moment, ticket, seconds=seconds, failed=failed)
        if found.verdict != "throttled":
            return None
        if found.retry_after is None:
            self.holds.slowed_until = moment + SLOW_SECONDS
            return None
        self.holds.held_until = max(self.holds.held_until, moment + found.retry_after.total_seconds())
        return found.retry_after
