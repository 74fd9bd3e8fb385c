"""Measures Herald and a Celery service in turn, on the same broker, database and provider."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import orjson
import typer
from rich.console import Console

from bench import process_usage
from bench.celery.measurement import BIN, ServiceResult, Variant, measure
from bench.mailings import seconds_of, send_mailing
from bench.pipeline import BENCH_FOLDER, TEXT, import_clients, make_phones
from cli.connections.api import open_api
from cli.failure import Failure
from cli.run import run
from cli.stack.launch import RunningStack, StackOptions, environment, open_stack
from cli.stack.output import FileSink, announce
from cli.stack.signals import run_until_signal
from cli.terminal.tables import make_table
from shared import logs

OUTPUT = Path("bench-celery.json")
MS_PER_SECOND = 1000
CORES = os.cpu_count() or 1
PREFORK = (
    Variant(f"Celery as it comes, prefork of {CORES}", "prefork", CORES),
    Variant("Celery, prefork of 20", "prefork", 20),
)


def _tuned(greenlets: int) -> Variant:
    name = f"Celery, tuned: {CORES} workers, gevent of {greenlets}"
    return Variant(name, "gevent", greenlets, workers=CORES, tuned=True)


async def _measure(messages: int, fewer: int, variants: Sequence[Variant], latency_ms: int, env: dict[str, str]) -> int:
    if not BIN.exists():
        raise Failure("Celery is not installed: run `make bench-celery`", code=2)
    options = StackOptions(BENCH_FOLDER, "herald_bench", fresh=True, flexible=True)
    folder = BENCH_FOLDER / "logs"
    shutil.rmtree(folder, ignore_errors=True)
    async with open_stack(options, env, announce, FileSink(folder)) as stack:
        await _delay(stack, latency_ms)
        results = await stack.supervisor.during(_run(stack, messages, fewer, variants, folder))
    await asyncio.to_thread(OUTPUT.write_bytes, orjson.dumps([asdict(one) for one in results]))
    _show(Console(), results)
    announce(f"the figures as JSON: {OUTPUT}")
    return 0


async def _delay(stack: RunningStack, latency_ms: int) -> None:
    """Sets the latency of the sandbox."""
    async with (
        aiohttp.ClientSession(stack.sandbox_url) as session,
        session.put("/faults", json={"latency_ms": latency_ms}) as reply,
    ):
        reply.raise_for_status()


async def _run(
    stack: RunningStack, messages: int, fewer: int, variants: Sequence[Variant], folder: Path
) -> list[ServiceResult]:
    phones = make_phones(messages)
    # Herald runs before and after the others, since the speed of a machine drifts.
    results = [await _herald(stack, phones)]
    for number, variant in enumerate(variants):
        announce(f"{variant.name}: {fewer} messages")
        results.append(await measure(stack, variant, phones[:fewer], TEXT, number, folder / "celery.log"))
    return [*results, await _herald(stack, phones)]


async def _herald(stack: RunningStack, phones: Sequence[str]) -> ServiceResult:
    pids = [pid for name, pid in stack.supervisor.pids.items() if name != "sandbox"]
    before = sum(process_usage.cpu_seconds(pid) for pid in pids)
    tag = f"bench-{secrets.token_hex(3)}"
    async with open_api(stack.api_url, stack.token) as api:
        await import_clients(api, list(phones), tag)
        statistics = await send_mailing(api, tag, TEXT)
        mailing = await api.get(f"/mailings/{statistics['mailing_id']}")
    if statistics["by_status"]["sent"] != len(phones):
        raise Failure(f"Herald did not send everything: {statistics['by_status']}")
    used = sum(process_usage.cpu_seconds(pid) for pid in pids) - before
    return ServiceResult(
        name="Herald",
        messages=len(phones),
        rate=round(len(phones) / seconds_of(mailing, statistics), 1),
        cpu_ms=round(used * MS_PER_SECOND / len(phones), 2),
        peak_rss=round(sum(process_usage.peak_rss(pid) for pid in pids), 1),
    )


def _show(console: Console, results: Sequence[ServiceResult]) -> None:
    ours = [one.rate for one in results if one.name == "Herald"]
    # The harmonic mean of both runs.
    mean = len(ours) / sum(1 / rate for rate in ours)
    rows = [(one.name, one.messages, one.rate, f"{mean / one.rate:.1f}", one.cpu_ms, one.peak_rss) for one in results]
    columns = ("service", "messages", "a second", "Herald beside it", "CPU (ms a message)", "peak RSS (MB)")
    console.print(make_table("Herald beside Celery", columns, rows))


def main(
    messages: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Number of messages for each run of Herald.")
    ] = 40_000,
    celery_messages: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Number of messages for each variant of Celery.")
    ] = 5_000,
    latency_ms: Annotated[int, typer.Option(min=0, max=10_000, help="Latency of the provider in milliseconds.")] = 50,
    greenlets: Annotated[
        int, typer.Option(min=1, max=1_000, help="Greenlets of each tuned worker; Herald has as many slots as all.")
    ] = 200,
    tuned_only: Annotated[
        bool, typer.Option("--tuned-only", help="Leave the variants out that are not tuned.")
    ] = False,
) -> None:
    """Measure Herald and a notification service made with Celery on the same machine."""
    logs.configure("herald", level="error", json=False)
    # As many open requests as all tuned workers together have.
    env = {"HERALD_DISPATCHER_CONCURRENCY": str(CORES * greenlets)} | environment() | {"HERALD_LOG_FORMAT": "json"}
    # The bench must never send to a real provider.
    env.pop("HERALD_PROVIDER_URL", None)
    variants = (*(() if tuned_only else PREFORK), _tuned(greenlets))
    run(_bench(_measure(messages, celery_messages, variants, latency_ms, env)))


async def _bench(measuring: Coroutine[Any, Any, int]) -> int:
    code = await run_until_signal(measuring, lambda: announce("stopping"))
    return 130 if code is None else code


if __name__ == "__main__":
    typer.run(main)
