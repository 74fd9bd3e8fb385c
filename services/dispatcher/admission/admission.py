"""Decides how many requests may begin now, by the breaker and the concurrency that adapts. Pure."""

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.breaker import Breaker, BreakerState, Ticket


class Admission:
    """The gate before the provider. Every ticket comes back, by `end`, `trip` or `withdraw`; the first of them counts.

    Moments are seconds on a monotonic clock.
    """

    def __init__(self, breaker: Breaker, concurrency: AdaptiveConcurrency) -> None:
        self._breaker = breaker
        self._concurrency = concurrency
        self._out: set[Ticket] = set()

    @property
    def begun(self) -> int:
        """Tickets that are out."""
        return len(self._out)

    @property
    def limit(self) -> int:
        """How many requests may run at once."""
        return self._concurrency.limit

    @property
    def most(self) -> int:
        """How many requests may run at once when all is well."""
        return self._concurrency.most

    @property
    def failing(self) -> float:
        """The share of requests that failed, of late."""
        return self._concurrency.failing

    def state(self, moment: float) -> BreakerState:
        return self._breaker.state(moment)

    def seconds_open(self, moment: float) -> float:
        return self._breaker.seconds_open(moment)

    def allowance(self, moment: float) -> int:
        """Returns how many requests may begin now."""
        return min(self._breaker.allowance(moment), max(self._concurrency.limit - len(self._out), 0))

    def begin(self, moment: float) -> Ticket:
        """Records that a request begins, and returns its ticket."""
        ticket = self._breaker.begin(moment)
        self._out.add(ticket)
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Takes a request back that did not begin after all."""
        if ticket in self._out:
            self._out.discard(ticket)
            self._breaker.withdraw(ticket)

    def end(self, moment: float, ticket: Ticket, *, seconds: float, failed: bool) -> None:
        """Records how a request ended, and after how many seconds."""
        if ticket not in self._out:
            return
        self._out.discard(ticket)
        before = self._breaker.state(moment)
        self._breaker.end(moment, ticket, failed=failed)
        if before == "half-open" and self._breaker.state(moment) == "closed":
            self._concurrency.restart()
        elif before == "closed":
            self._concurrency.record(moment, seconds, failed=failed)

    def trip(self, moment: float, ticket: Ticket) -> None:
        """Records that a request ended by a refusal of our token, and opens the breaker now."""
        self._out.discard(ticket)
        self._breaker.trip(moment)
