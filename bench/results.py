"""What a run of `herald bench` sends, and what it finds."""

from dataclasses import dataclass

from bench.baseline import CONCURRENCY, BenchResult
from bench.course import Course
from bench.processor_time import MessageCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is sent, and how. `failures` is the share of requests that the sandbox answers with 500."""

    messages: int = 20_000
    mailings: int = 1
    workers: int = 1
    concurrency: int = CONCURRENCY
    latency_ms: int = 0
    failures: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult(BenchResult):
    """The result of a run: its course, the times of messages, the usage of processes in seconds and MB, and the cost.

    `cpu_seconds` includes the import of the clients, and `cost` does not.
    """

    workload: Workload
    course: Course
    release_to_final: dict[str, float | int]
    peak_rss: dict[str, float]
    cpu_seconds: dict[str, float]
    cost: MessageCost
