"""The metrics of the reporter."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared import topology
from shared.metrics import ChildCounters, GatheredHistogram, dead_letter_counters
from shared.statuses import RESULT_STATUSES

# The planner publishes a fence every 5 s, so a reporter that got nothing for as long as three of them stands by.
ACTIVE_SECONDS = 15.0


class ReceiptMetrics:
    """Counters of receipts, and how long after its send a receipt came. `dead` counts bodies sent to the dead queue."""

    def __init__(self, registry: CollectorRegistry, dead: Mapping[str, Counter]) -> None:
        self.dead = dead
        self.folded = Counter(
            "herald_receipts",
            "Receipts that said something new, by what they said.",
            ["provider", "delivery"],
            registry=registry,
        )
        self.unsent = Counter(
            "herald_receipts_unsent", "Receipts for messages that the provider had refused.", registry=registry
        )
        self.delay = Histogram(
            "herald_receipt_delay_seconds",
            "Seconds from a send until the receipt came that it was delivered.",
            ["provider"],
            buckets=(1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400),
            registry=registry,
        )


class Metrics:
    """Counters and histograms of the fold, and whether this reporter is the one that folds."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        self.messages = ChildCounters(
            Counter("herald_messages", "Messages moved to a status, by status.", ["status"], registry=registry),
            RESULT_STATUSES,
        )
        self.batches = Histogram(
            "herald_fold_results", "Results in a batch.", buckets=(1, 10, 50, 200, 1000, 5000, 20000), registry=registry
        )
        self.duration = Histogram(
            "herald_fold_duration_seconds",
            "Seconds that the transaction of a batch took.",
            buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 20),
            registry=registry,
        )
        self.lag = GatheredHistogram(
            "herald_fold_lag_seconds",
            "Seconds from a reply of the provider until it was folded.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
            registry=registry,
        )
        self.dead = dead_letter_counters(topology.REPORTER_DEAD, ("unreadable", "unfoldable", "unknown"), registry)
        self.receipts = ReceiptMetrics(registry, self.dead)
        self._clock = clock
        self._delivered = float("-inf")
        active = Gauge("herald_reporter_active", "1 if this reporter folds, 0 if it stands by.", registry=registry)
        active.set_function(lambda: clock() - self._delivered < ACTIVE_SECONDS)
        self._fold_begun: float | None = None
        under_way = Gauge(
            "herald_fold_under_way_seconds",
            "Seconds for which the present fold has lasted with its repeats, 0 without one.",
            registry=registry,
        )
        under_way.set_function(lambda: 0.0 if self._fold_begun is None else clock() - self._fold_begun)

    @contextmanager
    def folding(self) -> Iterator[None]:
        """Shows how long a fold lasts while the block runs."""
        self._fold_begun = self._clock()
        try:
            yield
        finally:
            self._fold_begun = None

    def record_delivery(self) -> None:
        """Records that a body was delivered just now."""
        self._delivered = self._clock()
