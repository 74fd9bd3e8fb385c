"""What /metrics says of the API."""

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class Meters:
    seconds: Histogram
    viewers: Gauge
    looks: Counter

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        return cls(
            seconds=Histogram(
                "herald_api_request_seconds",
                "Time to answer a request.",
                ("method", "path", "status"),
                registry=registry,
            ),
            viewers=Gauge("herald_api_stream_viewers", "Statistics streams that are open.", registry=registry),
            looks=Counter(
                "herald_api_stream_looks", "Queries for statistics streams: one a second a mailing.", registry=registry
            ),
        )
