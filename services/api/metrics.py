"""The metrics of the API."""

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Callers choose the method's name, and every name would be a series of its own.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Metrics:
    """The API's collectors, registered."""

    request_seconds: Histogram
    stream_viewers: Gauge
    stream_queries: Counter
    receipts: Counter
    receipts_refused: Counter

    def record_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Records a request that was answered. `path` is the template of its route."""
        known = method if method in METHODS else "other"
        self.request_seconds.labels(known, path, status).observe(seconds)

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """Creates the metrics in a registry."""
        return cls(
            request_seconds=Histogram(
                "herald_api_request_seconds",
                "Seconds from a request to its answer.",
                ("method", "path", "status"),
                buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
                registry=registry,
            ),
            stream_viewers=Gauge("herald_api_stream_viewers", "Open statistics streams.", registry=registry),
            stream_queries=Counter(
                "herald_api_stream_queries",
                "Queries for statistics streams: one per second for each watched mailing.",
                registry=registry,
            ),
            receipts=Counter("herald_api_receipts", "Receipts taken from a provider.", ["provider"], registry=registry),
            receipts_refused=Counter(
                "herald_api_receipts_refused",
                "Requests of a provider whose receipts could not be read, or not be queued.",
                ["provider", "reason"],
                registry=registry,
            ),
        )
