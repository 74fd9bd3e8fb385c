"""The fleet of now as one breaker and one limit, for those who watch it, and its metrics."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.dispatcher.admission.breaker import BreakerState
from services.dispatcher.providers.fleet import Fleet

STATES = ("closed", "half-open", "open", "held", "drained")


class FleetView:
    """All lanes as one: closed while any of them is, open when all are."""

    def __init__(self, fleet: Callable[[], Fleet]) -> None:
        self._fleet = fleet

    def state(self, moment: float) -> BreakerState:
        states = {lane.admission.state(moment) for lane in self._fleet().lanes.values()}
        if "closed" in states:
            return "closed"
        return "half-open" if "half-open" in states else "open"

    def seconds_open(self, moment: float) -> float:
        return min(lane.admission.seconds_open(moment) for lane in self._fleet().lanes.values())

    @property
    def limit(self) -> int:
        return sum(lane.admission.limit for lane in self._fleet().lanes.values())

    @property
    def most(self) -> int:
        return sum(lane.admission.most for lane in self._fleet().lanes.values())

    @property
    def failing(self) -> float:
        return max(lane.admission.failing for lane in self._fleet().lanes.values())


class FleetMetrics(Collector):
    """The gauges of every provider of the file, read at each scrape. Without a file there are none."""

    def __init__(self, registry: CollectorRegistry, fleet: Callable[[], Fleet], clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._clock = clock
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yields the gauges."""
        moment = self._clock()
        state = GaugeMetricFamily(
            "herald_provider_state", "1 for the state of a provider.", labels=("provider", "state")
        )
        open_now = GaugeMetricFamily("herald_provider_in_flight", "Requests that are open.", labels=("provider",))
        failing = GaugeMetricFamily("herald_provider_failing", "Share of requests that failed.", labels=("provider",))
        for lane in self._fleet().lanes.values():
            for known in STATES:
                state.add_metric((lane.name, known), float(lane.state(moment) == known))
            open_now.add_metric((lane.name,), lane.under_way)
            failing.add_metric((lane.name,), lane.admission.failing)
        yield from (state, open_now, failing)
