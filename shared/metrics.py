"""The Prometheus registry of a process, and the metrics that every process has."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


class ChildCounters(dict[str, Counter]):
    """The children of a counter with one label, by its value. Each is looked up once, and not for each message.

    Children of known values exist from the start, at 0: Prometheus cannot count the first increment of a new series.
    """

    def __init__(self, parent: Counter, known: Iterable[str] = ()) -> None:
        super().__init__()
        self._parent = parent
        for value in known:
            self[value]

    def __missing__(self, value: str) -> Counter:
        child = self[value] = self._parent.labels(value)
        return child


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
