"""What /metrics says of the API."""

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# What a client calls its method is the client's choice, and every name would be a series.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Meters:
    seconds: Histogram
    viewers: Gauge
    looks: Counter

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Takes note of a request that was answered. `path` is the template of its route."""
        known = method if method in METHODS else "other"
        self.seconds.labels(known, path, status).observe(seconds)

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        return cls(
            seconds=Histogram(
                "herald_api_request_seconds",
                "Time to answer a request.",
                ("method", "path", "status"),
                buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
                registry=registry,
            ),
            viewers=Gauge("herald_api_stream_viewers", "Statistics streams that are open.", registry=registry),
            looks=Counter(
                "herald_api_stream_looks", "Queries for statistics streams: one a second a mailing.", registry=registry
            ),
        )
