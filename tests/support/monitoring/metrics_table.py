"""Reads the table of metrics in docs/metrics.md."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "metrics.md"
PROCESSES = ("api", "planner", "dispatcher", "reporter")
NO_LABELS = "\N{EN DASH}"
SERIES = re.compile(r"\bherald_[a-z_]+")


@dataclass(frozen=True, slots=True)
class Metric:
    """The name of a metric, its type such as counter, and its labels."""

    name: str
    kind: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric, the processes that serve it, and its meaning."""

    metric: Metric
    processes: frozenset[str]
    meaning: str


def read_table() -> list[MetricRow]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [_row(line) for line in lines if line.startswith("| herald_")]


def _row(line: str) -> MetricRow:
    name, kind, labels, processes, meaning = (cell.strip() for cell in line.strip("|").split(" | "))
    where = PROCESSES if processes == "all" else processes.split(", ")
    named = frozenset[str]() if labels == NO_LABELS else frozenset(labels.split(", "))
    return MetricRow(Metric(name, kind, named), frozenset(where), meaning)


def documented_series() -> set[str]:
    """Returns the names of all series; a histogram has three."""
    names = set[str]()
    for row in read_table():
        name = row.metric.name
        names |= {f"{name}_{end}" for end in ("bucket", "sum", "count")} if row.metric.kind == "histogram" else {name}
    return names


def series_in(expression: str) -> set[str]:
    """Returns the names of Herald's series in a PromQL expression."""
    return set(SERIES.findall(expression))
