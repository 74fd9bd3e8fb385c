"""herald bench --api: how fast the API answers, idle and while a mailing is sent at full rate, and what it costs."""

import asyncio
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import asyncpg
import orjson
from rich.console import Console

from bench import load, rows
from bench.measurement import Figures, Measurement, Phase
from cli.run import run
from cli.settings import FOLDER
from cli.stack.launch import RunningStack, StackOptions, environment, open_stack
from cli.stack.output import FileSink, announce
from cli.stack.signals import run_until_signal
from cli.terminal.tables import make_table
from shared import logs

BENCH_FOLDER = FOLDER / "bench"


@dataclass(frozen=True, slots=True)
class Sizes:
    clients: int = 100_000
    mailings: int = 10_000
    exported: int = 1_000_000
    seconds: float = 15


@dataclass(frozen=True, slots=True)
class Report:
    """`idle` was measured before and after `sending`; `ratio` is of the medians, sending to idle."""

    sizes: Sizes
    imported: Figures
    idle: Phase
    idle_after: Phase
    sending: Phase
    sent_per_second: float
    ratio: float
    statistics: Figures
    preview: Figures
    exported: Figures


def bench(output: Path, sizes: Sizes | None = None) -> None:
    """Measures, prints the figures and writes them to `output` as JSON."""
    run(_bench(output, sizes or Sizes()))


async def _bench(output: Path, sizes: Sizes) -> int:
    # As often as it likes: the rate of a token is not what is measured.
    env = environment() | {"HERALD_LOG_FORMAT": "json", "HERALD_API_RATE": "unlimited"}
    logs.configure("herald", level="error", json=False)
    code = await run_until_signal(_measure(env, output, sizes), lambda: announce("stopping"))
    return 130 if code is None else code


async def _measure(env: dict[str, str], output: Path, sizes: Sizes) -> int:
    options = StackOptions(BENCH_FOLDER, "herald_bench", fresh=True, flexible=True)
    folder = BENCH_FOLDER / "logs"
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    async with open_stack(options, env, announce, FileSink(folder)) as stack:
        report = await stack.supervisor.during(_run(stack, sizes))
    await asyncio.to_thread(output.write_bytes, orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2))
    _show(Console(), report)
    announce(f"the same as JSON: {output}")
    return 0


async def _run(stack: RunningStack, sizes: Sizes) -> Report:
    connection = await asyncpg.connect(stack.database_url)
    headers = {"Authorization": f"Bearer {stack.token}"}
    try:
        async with aiohttp.ClientSession(
            stack.api_url, headers=headers, connector=aiohttp.TCPConnector(limit=0)
        ) as session:
            return await _measure_all(stack, sizes, Measurement(session, connection, stack.supervisor.pids["api"]))
    finally:
        await connection.close()


async def _measure_all(stack: RunningStack, sizes: Sizes, on: Measurement) -> Report:
    announce(f"importing {sizes.clients} clients")
    imported = await on.import_clients(sizes.clients)
    target = await on.target()
    await load.run(on.session, target, 2)
    announce("asking while nothing is sent")
    idle = await on.ask(target, sizes.seconds)
    announce("asking while a mailing is sent")
    sending, sent_per_second = await _while_sending(on, target, sizes.seconds)
    announce("asking while nothing is sent")
    idle_after = await on.ask(target, sizes.seconds)
    announce(f"counting {sizes.mailings} mailings")
    await rows.add_mailings(on.connection, sizes.mailings)
    statistics = await load.repeat(200, lambda: on.get("/statistics"))
    preview = await load.repeat(10, lambda: on.post("/mailings/preview", load.draft() | {"filter": {}}))
    announce(f"exporting {sizes.exported} messages")
    exported = await on.export_messages(sizes.exported)
    quiet = (idle.figures["p50_ms"] + idle_after.figures["p50_ms"]) / 2
    ratio = round(sending.figures["p50_ms"] / quiet, 2) if quiet else 0.0
    return Report(
        sizes, imported, idle, idle_after, sending, sent_per_second, ratio, dict(statistics), dict(preview), exported
    )


async def _while_sending(on: Measurement, target: load.Target, seconds: float) -> tuple[Phase, float]:
    """Asks while a mailing to all imported clients is under way, and cancels it afterwards."""
    end_at = datetime.now(UTC) + timedelta(hours=1)
    mailing = await on.post(
        "/mailings", {"text": "Measured", "end_at": end_at.isoformat(), "filter": {"tags": ["bench"]}}
    )
    path = f"/mailings/{mailing['id']}"
    await on.until(path, lambda counts: counts["sent"] > 0)
    before, began = (await on.counts(path))["sent"], time.perf_counter()
    busy = load.Target(target.clients, [mailing["id"], *target.mailings], target.drafts, target.phones)
    phase = await on.ask(busy, seconds)
    sent, took = (await on.counts(path))["sent"] - before, time.perf_counter() - began
    target.phones = busy.phones
    await on.post(f"{path}/cancel", None)
    await on.until(path, lambda counts: counts["pending"] == 0)
    return phase, round(sent / took, 1)


def _show(console: Console, report: Report) -> None:
    columns = ("idle", "sending", "idle after")
    measured = (report.idle.figures, report.sending.figures, report.idle_after.figures)
    console.print(
        make_table(
            f"{load.RATE} requests a second, while {report.sent_per_second} messages a second are sent",
            ("figure", *columns),
            [(name, *(figures[name] for figures in measured)) for name in report.idle.figures],
        )
    )
    parts = (
        ("import of clients (CSV)", report.imported),
        (f"GET /statistics, {report.sizes.mailings} mailings", report.statistics),
        (f"POST /mailings/preview, {report.sizes.clients} clients", report.preview),
        ("export of messages (CSV)", report.exported),
    )
    console.print(
        make_table(
            f"median while sending, to that of idle: {report.ratio}",
            ("what", "figure", "value"),
            [(what, name, value) for what, figures in parts for name, value in figures.items()],
        )
    )
