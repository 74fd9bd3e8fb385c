"""Shows the figures of a run of `herald bench` as tables."""

from rich.console import Console

from bench.processor_time import SANDBOX, MessageCost
from bench.results import PipelineResult
from cli.terminal.tables import make_table

ELSEWHERE = "not on this machine"


def show(console: Console, result: PipelineResult) -> None:
    """Prints the rates, the usage of Herald's processes, and the cost of a message."""
    times = result.release_to_final
    rows = [
        ("messages a second, from creation to the last final status", result.rate),
        ("a bare client on the same server, messages a second", result.bare_rate),
        ("ratio", result.ratio),
        ("of the first tenth", result.course.first_rate),
        ("of the last tenth", result.course.last_rate),
        ("expansion (s)", result.course.expansion_seconds),
        (f"release to final, p50 of {times['sample']} (s)", times["p50"]),
        ("release to final, p99 (s)", times["p99"]),
        ("sent", result.sent),
        ("duplicates", "-" if result.duplicates is None else result.duplicates),
    ]
    console.print(make_table(_title(result), ("figure", "value"), rows))
    usage = [(name, rss, result.cpu_seconds[name]) for name, rss in result.peak_rss.items()]
    console.print(make_table("processes", ("process", "peak RSS (MB)", "CPU (s)"), usage))
    console.print(make_table("what a message costs", ("part", "value"), cost_rows(result.cost)))


def _title(result: PipelineResult) -> str:
    load = result.workload
    return (
        f"{load.messages} messages in {load.mailings} mailings, {load.workers} dispatchers of {load.concurrency}, "
        f"provider of {load.latency_ms} ms, {load.failures:.0%} failing"
    )


def cost_rows(cost: MessageCost) -> list[tuple[str, object]]:
    """Returns the rows of the table of what a message costs."""
    rows: list[tuple[str, object]] = [
        (f"{name} (µs)", ELSEWHERE if used is None else used)
        for name, used in cost.by_process_us.items()
        if name != SANDBOX
    ]
    unknown = "unknown: see above"
    return [
        *rows,
        ("all of these (µs)", unknown if cost.total_us is None else cost.total_us),
        ("a request of the bare client (µs)", cost.bare_us),
        ("the same in bare requests", unknown if cost.bare_requests is None else cost.bare_requests),
        ("WAL of PostgreSQL (bytes)", cost.wal_bytes),
        ("the sandbox, not in the sum (µs)", cost.by_process_us.get(SANDBOX, "-")),
    ]
