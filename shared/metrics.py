"""The Prometheus registry of a process, and the metrics that every process has."""

import platform
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

MOST_GATHERED = 1000


class ChildCounters(dict[str | tuple[str, ...], Counter]):
    """The children of a counter, by the value of its label, or the values of its labels.

    Each is looked up once, and not for each message.

    Children of known values exist from the start, at 0: Prometheus cannot count the first increment of a new series.
    """

    def __init__(self, parent: Counter, known: Iterable[str | tuple[str, ...]] = ()) -> None:
        super().__init__()
        self._parent = parent
        for value in known:
            self[value]

    def __missing__(self, value: str | tuple[str, ...]) -> Counter:
        child = self[value] = self._parent.labels(*([value] if isinstance(value, str) else value))
        return child


class GatheredHistogram(Collector):
    """A histogram for what happens with every message: values are gathered, and counted at a scrape or a thousand.

    It is for one thread. `buckets` are the upper bounds, ascending.
    """

    def __init__(self, name: str, text: str, *, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._bounds = buckets
        # Of each bucket and those below it; the last one is of all values.
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0
        self._gathered: list[float] = []
        registry.register(self)

    def observe(self, value: float) -> None:
        """Adds a value."""
        self._gathered.append(value)
        if len(self._gathered) >= MOST_GATHERED:
            self._count()

    def collect(self) -> Iterator[HistogramMetricFamily]:
        self._count()
        bounds = (*(floatToGoString(bound) for bound in self._bounds), "+Inf")  # type: ignore[no-untyped-call]
        buckets: list[tuple[str, float]] = list(zip(bounds, self._counts, strict=True))
        yield HistogramMetricFamily(self._name, self._text, buckets=buckets, sum_value=self._sum)

    def _count(self) -> None:
        values, self._gathered = sorted(self._gathered), []
        self._sum += sum(values)
        for place, bound in enumerate(self._bounds):
            self._counts[place] += bisect_right(values, bound)
        self._counts[-1] += len(values)


def dead_letter_counters(queue: str, reasons: Iterable[str], registry: CollectorRegistry) -> dict[str, Counter]:
    """Makes the counters of the bodies that this process sends to its dead queue, by reason."""
    counter = Counter(
        "herald_dead_letters", "Bodies sent to a dead queue, by reason.", ["queue", "reason"], registry=registry
    )
    return {reason: counter.labels(queue, reason) for reason in reasons}


def new_registry() -> CollectorRegistry:
    """Makes the registry of one process, with metrics of the process itself."""
    # The _created series: one more for every counter and histogram, and no query uses them.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    build = Gauge("herald_build_info", "Always 1; the labels name the build.", ["version", "python"], registry=registry)
    build.labels(installed_version(), platform.python_version()).set(1)
    return registry


def installed_version() -> str:
    """Returns the version of this Herald, or "unknown" where it is not installed as a package."""
    try:
        return version("herald")
    except PackageNotFoundError:
        return "unknown"
