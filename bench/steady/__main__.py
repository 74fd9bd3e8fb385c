"""Measures whether sending is steady: `make bench-steady ARGS=far`, or small, failing or edits."""

from typing import Annotated

import typer

from bench.steady import edits, failing_provider, far_services, small_mailings
from bench.steady.stage import run_on_stage

DISPATCHERS = 3
Concurrency = Annotated[int, typer.Option(min=1, help="Open requests of a dispatcher.")]

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def far(
    messages: Annotated[int, typer.Option(min=100, help="Messages of each mailing.")] = 2000,
    concurrency: Concurrency = 100,
) -> None:
    """The rate with latency to the database and the broker, and with busy cores; claims given back; causes named."""
    run_on_stage(lambda stage: far_services.measure(stage, messages, concurrency), workers=0, concurrency=concurrency)


@app.command()
def small(
    mailings: Annotated[int, typer.Option(min=1, help="Mailings that start in the same second.")] = 2000,
    clients: Annotated[int, typer.Option(min=1, help="Clients of each.")] = 5,
    concurrency: Concurrency = 100,
) -> None:
    """Many small mailings beside one with as many messages."""
    run_on_stage(lambda stage: small_mailings.measure(stage, mailings, clients), workers=1, concurrency=concurrency)


@app.command()
def failing(
    clients: Annotated[int, typer.Option(min=100, help="Clients of the mailing.")] = 100_000,
    seconds: Annotated[float, typer.Option(min=1, help="How long each rate is measured.")] = 10.0,
    failures: Annotated[float, typer.Option(min=0.01, max=0.95, help="Share of replies that are 500.")] = 0.5,
    concurrency: Concurrency = 100,
) -> None:
    """The rate of requests to a provider of which half the replies fail."""
    run_on_stage(
        lambda stage: failing_provider.measure(stage, clients, seconds, failures), workers=1, concurrency=concurrency
    )


@app.command("edits")
def edits_command(
    clients: Annotated[int, typer.Option(min=100, help="Clients of each mailing that is edited.")] = 100_000,
    number: Annotated[int, typer.Option("--edits", min=1, help="Edits at full rate.")] = 300,
    steps: Annotated[int, typer.Option(min=0, help="Freezes between 4 and 6 s, three edits in each.")] = 9,
    workers: Annotated[int, typer.Option(min=1, help="Dispatchers; one of them is frozen.")] = DISPATCHERS,
    concurrency: Concurrency = 100,
) -> None:
    """How soon edits are answered at full rate, and across freezes of a dispatcher; what arrived too late."""
    freezes = [4 + 2 * step / max(steps - 1, 1) for step in range(steps)]
    run_on_stage(lambda stage: edits.measure(stage, clients, number, freezes), workers=workers, concurrency=concurrency)


if __name__ == "__main__":
    app()
