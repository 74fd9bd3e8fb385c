"""herald bench: measures this installation."""

from pathlib import Path
from typing import Annotated

import typer

OUTPUT = Path("bench.json")


def bench_command(
    messages: Annotated[int, typer.Option(min=100, max=1_000_000, help="How many clients, and so messages")] = 20_000,
    provider_url: Annotated[
        str | None, typer.Option(help="A provider to measure against; default: the sandbox")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where the figures go as JSON; default: bench.json, with --running nowhere")
    ] = None,
    api: Annotated[bool, typer.Option("--api", help="Measure the API instead: latency, import, export")] = False,
    running: Annotated[
        bool, typer.Option("--running", help="Measure the stack that runs at HERALD_API_URL, with the sandbox")
    ] = False,
) -> None:
    """Runs one mailing through all processes, beside a bare HTTP client on the same server, and prints the figures."""
    # Imported here, so that no other command loads them.
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

    bench(messages, provider_url, output)
