"""herald bench: measures one mailing through all processes, and a bare client on the same server."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import aiohttp
import asyncpg
import orjson
from rich.console import Console

from bench import baseline, latency, mailings, process_usage, processor_time, report
from bench.baseline import BareRun
from bench.course import read_course
from bench.results import PipelineResult, Workload
from cli.connections.api import ApiClient, Json, open_api
from cli.failure import Failure
from cli.run import run
from cli.settings import FOLDER
from cli.stack.checkout import Checkout
from cli.stack.launch import RunningStack, StackOptions, environment, open_stack
from cli.stack.output import FileSink, announce
from cli.stack.signals import run_until_signal
from shared import database, logs

BENCH_FOLDER = FOLDER / "bench"
TEXT = "Herald measures itself: this text is as long as a usual short message."
PER_BLOCK = 9000


def bench(workload: Workload, provider_url: str | None, output: Path, checkout: Path | None = None) -> None:
    """Runs the bench, prints the figures, and writes them to `output` as JSON.

    The processes run the code of `checkout`, another one than this, if it is given.
    """
    run(_bench(workload, provider_url, output, checkout))


async def _bench(workload: Workload, provider_url: str | None, output: Path, checkout: Path | None) -> int:
    # The rate limit of a token would limit the creation of many mailings.
    fixed = {"HERALD_LOG_FORMAT": "json", "HERALD_API_RATE": "unlimited"}
    env = environment() | fixed | {"HERALD_DISPATCHER_CONCURRENCY": str(workload.concurrency)}
    if workload.failures:
        # With the usual delays a run would consist of waiting.
        env = {"HERALD_RETRY_DELAYS": "1s,2s", "HERALD_MAX_ATTEMPTS": "30"} | env
    if provider_url:
        env["HERALD_PROVIDER_URL"] = provider_url
    if env.get("HERALD_PROVIDER_URL"):
        if not env.get("HERALD_PROVIDER_TOKEN"):
            raise Failure("set HERALD_PROVIDER_TOKEN to the token of the provider at --provider-url", code=2)
        if workload.latency_ms or workload.failures:
            raise Failure("only the sandbox can be made slow or failing: leave out --provider-url", code=2)
    logs.configure("herald", level="error", json=False)
    options = StackOptions(
        BENCH_FOLDER,
        "herald_bench",
        workload.workers,
        fresh=True,
        flexible=True,
        checkout=Checkout(checkout) if checkout is not None else None,
    )
    code = await run_until_signal(_measure(workload, options, env, output), lambda: announce("stopping"))
    return 130 if code is None else code


async def _measure(workload: Workload, options: StackOptions, env: dict[str, str], output: Path) -> int:
    folder = BENCH_FOLDER / "logs"
    shutil.rmtree(folder, ignore_errors=True)
    async with open_stack(options, env, announce, FileSink(folder)) as stack:
        result = await stack.supervisor.during(_run(stack, workload, env))
    await asyncio.to_thread(output.write_bytes, orjson.dumps(asdict(result), option=orjson.OPT_INDENT_2))
    report.show(Console(), result)
    announce(f"the figures as JSON: {output}")
    return 0 if result.sent == workload.messages and not result.duplicates else 1


async def _run(stack: RunningStack, workload: Workload, env: dict[str, str]) -> PipelineResult:
    phones, half = make_phones(workload.messages), workload.messages // 2
    url = f"{stack.sandbox_url}/v1" if stack.sandbox_url else env["HERALD_PROVIDER_URL"]

    async def bare(some: list[str]) -> BareRun:
        await set_faults(stack, workload.latency_ms, 0.0)
        return await baseline.measure(url, stack.provider_token, some, TEXT, concurrency=workload.concurrency)

    # The bare client runs before and after the mailing, since the speed of a machine drifts.
    before = await bare(phones[:half])
    began = {name: process_usage.cpu_seconds(pid) for name, pid in stack.supervisor.pids.items()}
    async with (
        connect_to(stack) as connection,
        connect_to(stack) as sampled,
        open_api(stack.api_url, stack.token) as api,
    ):
        sampler, meter = latency.Sampler(sampled), await processor_time.meter(stack, connection)
        tag = f"bench-{secrets.token_hex(3)}"
        await import_clients(api, phones, tag, workload.mailings)
        await set_faults(stack, workload.latency_ms, workload.failures)
        start = await meter.read()
        sampling = asyncio.create_task(sampler.run())
        sent = await mailings.send_all(api, connection, tag, TEXT, workload.mailings)
        sampling.cancel()
        await asyncio.wait((sampling,))
        end = await meter.read()
        usage = {
            name: (process_usage.peak_rss(pid), process_usage.cpu_seconds(pid) - began[name])
            for name, pid in stack.supervisor.pids.items()
        }
        percentiles, ledger = await sampler.percentiles(), await _ledger(stack)
        course = await read_course(connection)
    both = before + await bare(phones[half:])
    rate = workload.messages / sent.seconds
    return PipelineResult(
        messages=workload.messages,
        rate=round(rate, 1),
        bare_rate=round(both.rate, 1),
        ratio=round(rate / both.rate, 3),
        workload=workload,
        course=course,
        release_to_final=percentiles,
        peak_rss={name: used[0] for name, used in usage.items()},
        cpu_seconds={name: round(used[1], 2) for name, used in usage.items()},
        cost=processor_time.cost(start, end, workload.messages, both.cpu_us, meter.elsewhere),
        sent=sent.messages,
        duplicates=ledger["duplicates"] if ledger else None,
    )


@asynccontextmanager
async def connect_to(stack: RunningStack) -> AsyncIterator[asyncpg.Connection]:
    """Opens a connection to the database of a stack."""
    connection = await database.open_connection(stack.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def set_faults(stack: RunningStack, latency_ms: int, failures: float) -> None:
    """Makes the sandbox slow, and fail with this share of its replies. Another provider stays as it is."""
    if stack.sandbox_url is None:
        return
    faults = {"latency_ms": latency_ms, "error_rate": failures}
    async with (
        aiohttp.ClientSession(stack.sandbox_url) as session,
        session.put("/faults", json=faults) as reply,
    ):
        reply.raise_for_status()


def make_phones(number: int) -> list[str]:
    """Makes distinct phones whose last four digits choose no fault of the sandbox."""
    return [str(70000000000 + i // PER_BLOCK * 10_000 + 1000 + i % PER_BLOCK) for i in range(number)]


async def import_clients(api: ApiClient, phones: list[str], tag: str, mailings: int = 1) -> None:
    """Imports clients with these phones. Existing clients get the tag.

    The tag is `tag` for one mailing; for several it is one of tag-0, tag-1 and so on, in turn.
    """

    def tag_of(number: int) -> str:
        return tag if mailings == 1 else f"{tag}-{number % mailings}"

    async def lines() -> AsyncIterator[bytes]:
        yield b"phone,tag\n"
        for start in range(0, len(phones), PER_BLOCK):
            some = enumerate(phones[start : start + PER_BLOCK], start)
            yield "".join(f"{phone},{tag_of(number)}\n" for number, phone in some).encode()

    result = await api.upload("/clients/import", lines(), "text/csv", params={"on_conflict": "update"})
    announce(f"{result['created']} clients created, {result['updated']} updated")


async def _ledger(stack: RunningStack) -> Json | None:
    if stack.sandbox_url is None:
        return None
    async with aiohttp.ClientSession(stack.sandbox_url) as session, session.get("/ledger") as reply:
        ledger: Json = await reply.json()
        return ledger
