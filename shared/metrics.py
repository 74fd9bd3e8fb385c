"""The Prometheus registry of a process, and the metrics that every process has."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


class Children(dict[str, Counter]):
    """The children of a counter with one label, by its value: each is looked up once, not once a message.

    The known ones are there with 0 from the start, since Prometheus cannot tell the first of a series from a restart.
    """

    def __init__(self, parent: Counter, known: Iterable[str] = ()) -> None:
        super().__init__()
        self._parent = parent
        for value in known:
            self[value]

    def __missing__(self, value: str) -> Counter:
        child = self[value] = self._parent.labels(value)
        return child


def dead_letters(queue: str, reasons: Iterable[str], registry: CollectorRegistry) -> dict[str, Counter]:
    """Makes the counter of what this process sends to its dead queue, by reason."""
    counter = Counter(
        "herald_dead_letters", "Bodies sent to a dead queue, by why.", ["queue", "reason"], registry=registry
    )
    return {reason: counter.labels(queue, reason) for reason in reasons}


def new_registry() -> CollectorRegistry:
    """Makes the registry of one process, with the process's own figures in it."""
    # A series more for every counter and bucket, of which no query here makes any use.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    build = Gauge("herald_build_info", "1; which build this is.", ["version", "python"], registry=registry)
    build.labels(_version(), platform.python_version()).set(1)
    return registry


def _version() -> str:
    try:
        return version("herald")
    except PackageNotFoundError:
        return "unknown"
