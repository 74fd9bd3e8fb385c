"""What /metrics says of the dispatcher."""

from collections import Counter as tally  # noqa: N813 - the other Counter is a metric
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.dispatcher.replies import OUTCOMES
from services.dispatcher.store import Claim
from shared import topology
from shared.metrics import Children, dead_letters

MINUTE, HOUR = 60, 3600

Figure = Callable[[], float]


class Meters:
    """What is counted as it happens. Children are bound here, so that a message costs no look-up."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Children(
            Counter("herald_attempts", "Attempts, by outcome.", ["outcome"], registry=registry), sorted(OUTCOMES)
        )
        self.duration = Histogram(
            "herald_request_duration_seconds",
            "Time from request to reply.",
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25),
            registry=registry,
        )
        self.margin = Histogram(
            "herald_deadline_margin_seconds",
            "Time left to the mailing's end when a request began.",
            buckets=(1, 2, 5, 10, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR),
            registry=registry,
        )
        self.dead = dead_letters(topology.DISPATCHER_DEAD, ("exhausted", "unreadable"), registry)
        self._count_claims(registry)

    def _count_claims(self, registry: CollectorRegistry) -> None:
        self.claim_lag = Histogram(
            "herald_claim_lag_seconds",
            "Time from the moment a job was released and due until it was claimed for sending.",
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300),
            registry=registry,
        )
        self.claim_jobs = Histogram(
            "herald_claim_jobs", "Jobs in a claim.", buckets=(1, 2, 5, 10, 25, 50, 75, 100), registry=registry
        )
        self.claim_duration = Histogram(
            "herald_claim_duration_seconds",
            "Time a claim took.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 20),
            registry=registry,
        )
        self.verdicts = Children(
            Counter("herald_claim_verdicts", "Jobs claimed, by verdict.", ["verdict"], registry=registry),
            ("send", "locked", "busy", "put back", "over"),
        )

    def claimed(self, claims: Sequence[Claim], seconds: float) -> None:
        """Takes note of a claim, and how long it took."""
        self.claim_jobs.observe(len(claims))
        self.claim_duration.observe(seconds)
        for verdict, jobs in tally(claim.verdict for claim in claims).items():
            self.verdicts[verdict].inc(jobs)
        for claim in claims:
            if claim.verdict == "send":
                self.claim_lag.observe(claim.waited)


def show(
    registry: CollectorRegistry, *, in_flight: Figure, most: int, held: Figure, outstanding: Figure, unconfirmed: Figure
) -> None:
    """Shows what is asked for when somebody looks."""
    for name, text, figure in (
        ("herald_requests_in_flight", "Attempts under way.", in_flight),
        ("herald_jobs_held", "Jobs that were delivered and not claimed yet.", held),
        ("herald_results_outstanding", "Results that the broker has not confirmed.", outstanding),
        ("herald_results_unconfirmed_seconds", "For how long the oldest results are unconfirmed.", unconfirmed),
    ):
        Gauge(name, text, registry=registry).set_function(figure)
    Gauge("herald_requests_in_flight_max", "Attempts there may be at once.", registry=registry).set(most)
