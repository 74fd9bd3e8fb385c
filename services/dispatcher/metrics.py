"""The metrics of the dispatcher."""

from collections import Counter as tally  # noqa: N813 - the other Counter is a metric
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.dispatcher.claims.claim import Claim, ClaimVerdict
from services.dispatcher.claims.held_claims import GiveBackReason
from shared import topology
from shared.metrics import ChildCounters, GatheredHistogram, dead_letter_counters
from shared.providers.schema import MappedVerdict
from shared.statuses import ATTEMPT_OUTCOMES

MINUTE, HOUR = 60, 3600
VERDICTS = get_args(MappedVerdict)

ReadValue = Callable[[], float]


class Metrics:
    """Counters and histograms. Labelled children are looked up here, once and not for each message."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = ChildCounters(
            Counter("herald_attempts", "Attempts, by outcome.", ["outcome"], registry=registry), ATTEMPT_OUTCOMES
        )
        self.provider_attempts = ChildCounters(
            Counter(
                "herald_provider_attempts",
                "Attempts through the providers of the providers file, by verdict.",
                ["provider", "verdict"],
                registry=registry,
            )
        )
        self.duration = GatheredHistogram(
            "herald_request_duration_seconds",
            "Seconds from a request to its reply or timeout.",
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25),
            registry=registry,
        )
        self.margin = GatheredHistogram(
            "herald_deadline_margin_seconds",
            "Seconds left to the mailing's end when a request began.",
            buckets=(1, 2, 5, 10, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR),
            registry=registry,
        )
        self.given_back = ChildCounters(
            Counter(
                "herald_claims_given_back",
                "Claims whose request did not begin and that were given back, by reason.",
                ["reason"],
                registry=registry,
            ),
            get_args(GiveBackReason),
        )
        self.dead = dead_letter_counters(topology.DISPATCHER_DEAD, ("exhausted", "unreadable", "damaged"), registry)
        self._register_claim_metrics(registry)

    def _register_claim_metrics(self, registry: CollectorRegistry) -> None:
        self.claim_lag = GatheredHistogram(
            "herald_claim_lag_seconds",
            "Seconds from the moment a job was released and due until it was claimed for sending.",
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300),
            registry=registry,
        )
        self.claim_jobs = Histogram(
            "herald_claim_jobs", "Jobs in one claim.", buckets=(1, 2, 5, 10, 25, 50, 100, 250), registry=registry
        )
        self.claim_duration = Histogram(
            "herald_claim_duration_seconds",
            "Seconds that a claim's statement took.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 20),
            registry=registry,
        )
        self.verdicts = ChildCounters(
            Counter("herald_claim_verdicts", "Jobs, by the verdict of their claim.", ["verdict"], registry=registry),
            get_args(ClaimVerdict),
        )

    def show_providers(self, names: Iterable[str]) -> None:
        """Makes the counters of these providers, so that the first attempt is seen, too."""
        for name in names:
            for verdict in VERDICTS:
                self.provider_attempts[name, verdict]

    def record_claim(self, claims: Sequence[Claim], seconds: float) -> None:
        """Counts the verdicts of one claim, which took `seconds`."""
        self.claim_jobs.observe(len(claims))
        self.claim_duration.observe(seconds)
        for verdict, jobs in tally(claim.verdict for claim in claims).items():
            self.verdicts[verdict].inc(jobs)
        for claim in claims:
            if claim.verdict == "send":
                self.claim_lag.observe(claim.waited)


def register_gauges(
    registry: CollectorRegistry,
    *,
    in_flight: ReadValue,
    most: ReadValue,
    held: ReadValue,
    unbegun: ReadValue,
    outstanding: ReadValue,
    unconfirmed: ReadValue,
    rate: ReadValue,
) -> None:
    """Registers the gauges whose values are read at each scrape."""
    for name, text, read in (
        ("herald_requests_in_flight", "Attempts under way.", in_flight),
        ("herald_requests_in_flight_max", "Attempts allowed at once, which adapts to the provider.", most),
        ("herald_jobs_held", "Jobs that were delivered and are not claimed yet.", held),
        ("herald_claims_held", "Claims whose request has not begun.", unbegun),
        ("herald_results_outstanding", "Results that the broker has not confirmed.", outstanding),
        (
            "herald_results_unconfirmed_seconds",
            "Seconds for which the oldest results have been unconfirmed.",
            unconfirmed,
        ),
        ("herald_request_rate_max", "Requests a second that may begin; +Inf without a limit.", rate),
    ):
        Gauge(name, text, registry=registry).set_function(read)
