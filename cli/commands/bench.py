"""herald bench: measures this installation with the code of bench/."""

from pathlib import Path
from typing import Annotated

import typer

OUTPUT = Path("bench.json")


def bench_command(
    messages: Annotated[int, typer.Option(min=100, max=1_000_000, help="Number of messages to send.")] = 20_000,
    provider_url: Annotated[str | None, typer.Option(help="Send API to measure against. Default: the sandbox.")] = None,
    mailings: Annotated[int, typer.Option(min=1, help="Number of mailings that share the messages.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of dispatchers.")] = 1,
    concurrency: Annotated[
        int, typer.Option(min=1, max=5000, help="Open requests of a dispatcher, and of the bare client.")
    ] = 100,
    latency_ms: Annotated[int, typer.Option(min=0, max=60_000, help="Time the sandbox takes for a reply.")] = 0,
    failures: Annotated[
        float, typer.Option(min=0, max=0.95, help="Share of requests that the sandbox answers with 500.")
    ] = 0.0,
    output: Annotated[
        Path | None, typer.Option(help="JSON file for the figures. Default: bench.json; with --running, none.")
    ] = None,
    checkout: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            resolve_path=True,
            help="Another checkout, with its .venv, whose processes are measured.",
        ),
    ] = None,
    api: Annotated[
        bool, typer.Option("--api", help="Measure the API instead: response times, import and export.")
    ] = False,
    running: Annotated[
        bool,
        typer.Option(
            "--running", help="Measure the running stack at HERALD_API_URL; its provider must be the sandbox."
        ),
    ] = False,
) -> None:
    """Measure how many messages a second this installation sends, beside a bare HTTP client."""
    # Imported here, so that no other command loads the benches.
    if running:
        from bench.running_stack import bench as bench_running

        bench_running(messages, output)
        return
    output = output or OUTPUT
    if api:
        from bench.api import bench as bench_api

        bench_api(output)
        return
    from bench.pipeline import bench
    from bench.results import Workload

    workload = Workload(
        messages=messages,
        mailings=mailings,
        workers=workers,
        concurrency=concurrency,
        latency_ms=latency_ms,
        failures=failures,
    )
    bench(workload, provider_url, output, checkout)
