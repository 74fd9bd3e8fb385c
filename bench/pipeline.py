"""herald bench: measures one mailing through all processes, and a bare client on the same server."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import asyncpg
import orjson
from rich.console import Console

from bench import baseline, latency, process_usage
from bench.baseline import BenchResult
from cli.connections.api import ApiClient, Json, open_api
from cli.failure import Failure
from cli.run import run
from cli.settings import FOLDER
from cli.stack.launch import RunningStack, StackOptions, environment, open_stack
from cli.stack.output import FileSink, announce
from cli.stack.signals import run_until_signal
from cli.terminal.progress import watch_mailing
from cli.terminal.tables import make_table
from shared import logs

BENCH_FOLDER = FOLDER / "bench"
TEXT = "Herald measures itself: this text is as long as a usual short message."
PER_BLOCK = 9000


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult(BenchResult):
    """The result of a run with the times of messages and the usage of processes, in seconds and MB."""

    release_to_final: dict[str, float | int]
    peak_rss: dict[str, float]
    cpu_seconds: dict[str, float]


def bench(messages: int, provider_url: str | None, output: Path) -> None:
    """Runs the bench, prints the figures, and writes them to `output` as JSON."""
    run(_bench(messages, provider_url, output))


async def _bench(messages: int, provider_url: str | None, output: Path) -> int:
    env = environment() | {"HERALD_LOG_FORMAT": "json"}
    if provider_url:
        env["HERALD_PROVIDER_URL"] = provider_url
    if env.get("HERALD_PROVIDER_URL") and not env.get("HERALD_PROVIDER_TOKEN"):
        raise Failure("set HERALD_PROVIDER_TOKEN to the token of the provider at --provider-url", code=2)
    logs.configure("herald", level="error", json=False)
    code = await run_until_signal(_measure(messages, env, output), lambda: announce("stopping"))
    return 130 if code is None else code


async def _measure(messages: int, env: dict[str, str], output: Path) -> int:
    options = StackOptions(BENCH_FOLDER, "herald_bench", fresh=True, flexible=True)
    folder = BENCH_FOLDER / "logs"
    shutil.rmtree(folder, ignore_errors=True)
    async with open_stack(options, env, announce, FileSink(folder)) as stack:
        result = await stack.supervisor.during(_run(stack, messages, env))
    await asyncio.to_thread(output.write_bytes, orjson.dumps(asdict(result), option=orjson.OPT_INDENT_2))
    _show(Console(), result)
    announce(f"the figures as JSON: {output}")
    return 0 if result.sent == messages and not result.duplicates else 1


async def _run(stack: RunningStack, messages: int, env: dict[str, str]) -> PipelineResult:
    tag, phones = f"bench-{secrets.token_hex(3)}", make_phones(messages)
    url = f"{stack.sandbox_url}/v1" if stack.sandbox_url else env["HERALD_PROVIDER_URL"]
    half = len(phones) // 2
    # The bare client runs before and after the mailing, since the speed of a machine drifts.
    before = await baseline.measure(url, stack.provider_token, phones[:half], TEXT)
    began = {name: process_usage.cpu_seconds(pid) for name, pid in stack.supervisor.pids.items()}
    connection = await asyncpg.connect(stack.database_url)
    try:
        sampler = latency.Sampler(connection)
        async with open_api(stack.api_url, stack.token) as api:
            await import_clients(api, phones, tag)
            sampling = asyncio.create_task(sampler.run())
            statistics = await send_mailing(api, tag)
            sampling.cancel()
            await asyncio.wait((sampling,))
            mailing = await api.get(f"/mailings/{statistics['mailing_id']}")
        usage = {
            name: (process_usage.peak_rss(pid), process_usage.cpu_seconds(pid) - began[name])
            for name, pid in stack.supervisor.pids.items()
        }
        percentiles, ledger = await sampler.percentiles(), await _ledger(stack)
    finally:
        await connection.close()
    after = await baseline.measure(url, stack.provider_token, phones[half:], TEXT)
    bare = 2 / (1 / before + 1 / after)
    rate = messages / seconds_of(mailing, statistics)
    return PipelineResult(
        messages=messages,
        rate=round(rate, 1),
        bare_rate=round(bare, 1),
        ratio=round(rate / bare, 3),
        release_to_final=percentiles,
        peak_rss={name: used[0] for name, used in usage.items()},
        cpu_seconds={name: round(used[1], 2) for name, used in usage.items()},
        sent=statistics["by_status"]["sent"],
        duplicates=ledger["duplicates"] if ledger else None,
    )


def make_phones(number: int) -> list[str]:
    """Makes distinct phones whose last four digits choose no fault of the sandbox."""
    return [str(70000000000 + i // PER_BLOCK * 10_000 + 1000 + i % PER_BLOCK) for i in range(number)]


async def import_clients(api: ApiClient, phones: list[str], tag: str) -> None:
    """Imports clients with these phones and this tag. Existing clients get the tag."""

    async def lines() -> AsyncIterator[bytes]:
        yield b"phone,tag\n"
        for start in range(0, len(phones), PER_BLOCK):
            yield "".join(f"{phone},{tag}\n" for phone in phones[start : start + PER_BLOCK]).encode()

    result = await api.upload("/clients/import", lines(), "text/csv", params={"on_conflict": "update"})
    announce(f"{result['created']} clients created, {result['updated']} updated")


async def send_mailing(api: ApiClient, tag: str) -> Json:
    """Sends a mailing to a tag, waits until it has ended, and returns its last statistics."""
    end_at = datetime.now(UTC) + timedelta(hours=1)
    mailing = await api.post("/mailings", {"text": TEXT, "end_at": end_at.isoformat(), "filter": {"tags": [tag]}})
    return await watch_mailing(api, mailing["id"], Console())


def seconds_of(mailing: Json, statistics: Json) -> float:
    """Returns the time from the creation of the mailing to the last final status."""
    begun, ended = mailing["created_at"], statistics["finished_at"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


async def _ledger(stack: RunningStack) -> Json | None:
    if stack.sandbox_url is None:
        return None
    async with aiohttp.ClientSession(stack.sandbox_url) as session, session.get("/ledger") as reply:
        ledger: Json = await reply.json()
        return ledger


def _show(console: Console, result: PipelineResult) -> None:
    times = result.release_to_final
    console.print(
        make_table(
            f"{result.messages} messages",
            ("figure", "value"),
            [
                ("messages a second, from creation to the last final status", result.rate),
                ("a bare client on the same server, messages a second", result.bare_rate),
                ("ratio", result.ratio),
                (f"release to final, p50 of {times['sample']} (s)", times["p50"]),
                ("release to final, p99 (s)", times["p99"]),
                ("sent", result.sent),
                ("duplicates", "-" if result.duplicates is None else result.duplicates),
            ],
        )
    )
    rows = [(name, rss, result.cpu_seconds[name]) for name, rss in result.peak_rss.items()]
    console.print(make_table("processes", ("process", "peak RSS (MB)", "CPU (s)"), rows))
