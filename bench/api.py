"""herald bench --api: measures the API while nothing is sent, beside a mailing, and beside hostile requests."""

import asyncio
import os
import shutil
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import orjson
from rich.console import Console

from bench import bulk_rows, load_generator
from bench.api_measurements import ApiMeasurer, Figures, Phase
from cli.commands import token_store
from cli.run import run
from cli.settings import FOLDER
from cli.stack.launch import RunningStack, StackOptions, environment, open_stack
from cli.stack.output import FileSink, announce
from cli.stack.signals import run_until_signal
from cli.terminal.tables import make_table
from services.api.access.tokens import create_token
from shared import database, logs

BENCH_FOLDER = FOLDER / "bench"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything is measured; `seconds` is the duration of each phase of requests."""

    clients: int = 100_000
    mailings: int = 10_000
    exported: int = 1_000_000
    seconds: float = 15


@dataclass(frozen=True, slots=True)
class ApiResult:
    """The figures of a run. `idle` is measured before and after `sending`; `ratio` is sending to idle, by median.

    `hostile` is measured beside hostile requests, whose `answers` are counted by their kind; `longer_ms` is how much
    longer the longest wait was then.
    """

    sizes: Sizes
    imported: Figures
    idle: Phase
    idle_after: Phase
    sending: Phase
    hostile: Phase
    answers: dict[str, dict[str, int]]
    longer_ms: float
    sent_per_second: float
    ratio: float
    statistics: Figures
    preview: Figures
    exported: Figures


def bench(output: Path, sizes: Sizes | None = None) -> None:
    """Runs the bench, prints the figures, and writes them to `output` as JSON."""
    run(_bench(output, sizes or Sizes()))


async def _bench(output: Path, sizes: Sizes) -> int:
    # The rate limit of a token would limit the measurement.
    env = environment() | {"HERALD_LOG_FORMAT": "json", "HERALD_API_RATE": "unlimited"}
    logs.configure("herald", level="error", json=False)
    code = await run_until_signal(_measure(env, output, sizes), lambda: announce("stopping"))
    return 130 if code is None else code


async def _measure(env: dict[str, str], output: Path, sizes: Sizes) -> int:
    options = StackOptions(BENCH_FOLDER, "herald_bench", fresh=True, flexible=True)
    folder = BENCH_FOLDER / "logs"
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    async with open_stack(options, env, announce, FileSink(folder)) as stack:
        result = await stack.supervisor.during(_run(stack, sizes))
    await asyncio.to_thread(output.write_bytes, orjson.dumps(asdict(result), option=orjson.OPT_INDENT_2))
    _show(Console(), result)
    announce(f"the figures as JSON: {output}")
    return 0


async def _run(stack: RunningStack, sizes: Sizes) -> ApiResult:
    connection = await database.open_connection(stack.database_url)
    headers = {"Authorization": f"Bearer {stack.token}"}
    try:
        async with aiohttp.ClientSession(
            stack.api_url, headers=headers, connector=aiohttp.TCPConnector(limit=0)
        ) as session:
            return await _measure_all(stack, sizes, ApiMeasurer(session, connection, stack.supervisor.pids["api"]))
    finally:
        await connection.close()


async def _measure_all(stack: RunningStack, sizes: Sizes, measurer: ApiMeasurer) -> ApiResult:
    announce(f"importing {sizes.clients} clients")
    imported = await measurer.import_clients(sizes.clients)
    target = await measurer.target()
    await load_generator.run(measurer.session, target, 2)
    announce("measuring requests while nothing is sent")
    idle = await measurer.ask(target, sizes.seconds)
    announce("measuring requests while a mailing is sent")
    sending, sent_per_second = await _while_sending(measurer, target, sizes.seconds)
    announce("measuring requests while nothing is sent")
    idle_after = await measurer.ask(target, sizes.seconds)
    announce("measuring requests beside hostile ones")
    # A token of their own, as an attacker has one: requests of the same token wait for each other.
    plain, digest = create_token()
    await token_store.insert(measurer.connection, "hostile", "admin", digest, timedelta(hours=1))
    async with attacking(stack.api_url, plain) as answers:
        hostile = await measurer.ask(target, sizes.seconds)
    longest = max(phase.figures["longest_ms"] for phase in (idle, idle_after))
    announce(f"measuring the statistics of {sizes.mailings} mailings")
    await bulk_rows.add_mailings(measurer.connection, sizes.mailings)
    statistics = await load_generator.repeat(200, lambda: measurer.get("/statistics"))
    preview = await load_generator.repeat(
        10, lambda: measurer.post("/mailings/preview", load_generator.draft() | {"filter": {}})
    )
    announce(f"exporting {sizes.exported} messages")
    exported = await measurer.export_messages(sizes.exported)
    quiet = (idle.figures["p50_ms"] + idle_after.figures["p50_ms"]) / 2
    ratio = round(sending.figures["p50_ms"] / quiet, 2) if quiet else 0.0
    return ApiResult(
        sizes,
        imported,
        idle,
        idle_after,
        sending,
        hostile,
        answers,
        round(hostile.figures["longest_ms"] - longest, 1),
        sent_per_second,
        ratio,
        dict(statistics),
        dict(preview),
        exported,
    )


@asynccontextmanager
async def attacking(url: str, token: str) -> AsyncIterator[dict[str, dict[str, int]]]:
    """Sends hostile requests from another process while the block runs. Then the yielded counts are filled."""
    answers: dict[str, dict[str, int]] = {}
    arguments = (sys.executable, "-m", "bench.hostile_requests", url)
    attacker = await asyncio.create_subprocess_exec(
        *arguments, env={**os.environ, "HERALD_TOKEN": token}, stdin=PIPE, stdout=PIPE
    )
    try:
        # It first makes what it sends, which takes some seconds.
        await attacker.stdout.readline()  # type: ignore[union-attr]
        yield answers
        out, _ = await attacker.communicate(b"")
        answers.update(orjson.loads(out))
    finally:
        if attacker.returncode is None:
            attacker.kill()
            await attacker.wait()


async def _while_sending(
    measurer: ApiMeasurer, target: load_generator.LoadTarget, seconds: float
) -> tuple[Phase, float]:
    """Measures requests while a mailing to all imported clients is sent, and cancels it afterwards."""
    end_at = datetime.now(UTC) + timedelta(hours=1)
    mailing = await measurer.post(
        "/mailings", {"text": "Measured", "end_at": end_at.isoformat(), "filter": {"tags": ["bench"]}}
    )
    path = f"/mailings/{mailing['id']}"
    await measurer.until(path, lambda counts: counts["sent"] > 0)
    before, began = (await measurer.counts(path))["sent"], time.perf_counter()
    busy = load_generator.LoadTarget(target.clients, [mailing["id"], *target.mailings], target.drafts, target.phones)
    phase = await measurer.ask(busy, seconds)
    sent, took = (await measurer.counts(path))["sent"] - before, time.perf_counter() - began
    target.phones = busy.phones
    await measurer.post(f"{path}/cancel", None)
    await measurer.until(path, lambda counts: counts["pending"] == 0)
    return phase, round(sent / took, 1)


def _show(console: Console, result: ApiResult) -> None:
    columns = ("idle", "sending", "idle after", "beside hostile ones")
    phases = (result.idle, result.sending, result.idle_after, result.hostile)
    measured = [phase.figures for phase in phases]
    console.print(
        make_table(
            f"{load_generator.RATE} requests a second, while {result.sent_per_second} messages a second are sent",
            ("figure", *columns),
            [(name, *(figures[name] for figures in measured)) for name in result.idle.figures],
        )
    )
    console.print(
        make_table(
            f"the longest wait beside hostile requests: {result.longer_ms} ms longer than without them",
            ("hostile request", "answers"),
            [(kind, _list_counts(counts)) for kind, counts in sorted(result.answers.items())],
        )
    )
    parts = (
        ("import of clients (CSV)", result.imported),
        (f"GET /statistics, {result.sizes.mailings} mailings", result.statistics),
        (f"POST /mailings/preview, {result.sizes.clients} clients", result.preview),
        ("export of messages (CSV)", result.exported),
    )
    console.print(
        make_table(
            f"median while sending, to that of idle: {result.ratio}",
            ("operation", "figure", "value"),
            [(operation, name, value) for operation, figures in parts for name, value in figures.items()],
        )
    )


def _list_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} x {answer}" for answer, count in sorted(counts.items()))
