"""Sends one mailing with the Celery service and real workers, and measures it."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from rich.console import Console

from bench import process_usage
from cli.connections.broker import open_broker
from cli.failure import Failure
from cli.native import child
from cli.stack.backing_services import inspect_queue
from cli.stack.launch import RunningStack
from cli.terminal.progress import mailing_bar
from shared.database import open_connection
from shared.process import BACKGROUND_NICENESS

BIN = Path(".venv/celery/bin")
APP = "bench.celery.tasks"
QUEUE = "herald-bench-celery"
DATABASE = "herald_bench_celery"
READY_SECONDS = 60
SEND_SECONDS = 900
# Apart from the ids of Herald and of the bare client.
FIRST_ID = 2 * 10**15
SCHEMA = """
CREATE TABLE clients (id bigserial PRIMARY KEY, phone text NOT NULL);
CREATE TABLE mailings (
    id bigserial PRIMARY KEY, text text NOT NULL, end_at timestamptz NOT NULL, started_at timestamptz
);
CREATE TABLE messages (
    id bigserial PRIMARY KEY,
    mailing_id bigint NOT NULL REFERENCES mailings, client_id bigint NOT NULL REFERENCES clients,
    status text NOT NULL DEFAULT 'pending', sent_at timestamptz
);
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to run the workers: `workers` of them, each with a pool of `concurrency`."""

    name: str
    pool: str
    concurrency: int
    workers: int = 1
    tuned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResult:
    """The figures of a service.

    `rate` is in messages a second from the start of the fan-out to the last sent message, `cpu_ms` in ms a message, and
    `peak_rss` in MB.
    """

    name: str
    messages: int
    rate: float
    cpu_ms: float
    peak_rss: float


def url_of(database_url: str, name: str) -> str:
    return urlsplit(database_url)._replace(path=f"/{name}").geturl()


async def measure(
    stack: RunningStack, variant: Variant, phones: Sequence[str], text: str, number: int, log: Path
) -> ServiceResult:
    """Sends one message to each phone. `number` is the number of the measurement in this run.

    Raises Failure when the workers do not start, or do not send everything in a quarter of an hour.
    """
    broker_url = stack.broker_url.split(",")[0]
    env = _environment(stack, variant, broker_url)
    async with _database(stack.database_url, phones, text, number) as database, AsyncExitStack() as running:
        with log.open("ab") as output:
            running.push_async_callback(_delete_queue, broker_url)
            pids = [
                await running.enter_async_context(_worker(variant, env, output.fileno()))
                for _ in range(variant.workers)
            ]
            await _until_ready(broker_url, variant.workers, log)
            before = sum(process_usage.cpu_seconds(pid) for pid in _family(pids))
            call = await child.start(
                [BIN / "celery", "-A", APP, "call", f"{APP}.send_mailing", "--args", "[1]"], output=output, env=env
            )
            await call.wait()
            await _until_sent(database, len(phones), log)
        return await _result(variant.name, database, len(phones), _family(pids), before)


def _environment(stack: RunningStack, variant: Variant, broker_url: str) -> dict[str, str]:
    """Returns the environment of the workers."""
    return {
        **os.environ,
        "BENCH_BROKER_URL": broker_url,
        "BENCH_QUEUE": QUEUE,
        "BENCH_DATABASE_URL": url_of(stack.database_url, DATABASE),
        "BENCH_PROVIDER_URL": f"{stack.sandbox_url}/v1",
        "BENCH_PROVIDER_TOKEN": stack.provider_token,
        "BENCH_TUNED": str(int(variant.tuned)),
    }


async def _result(
    name: str, database: asyncpg.Connection, messages: int, pids: Sequence[int], cpu_before: float
) -> ServiceResult:
    used = sum(process_usage.cpu_seconds(pid) for pid in pids) - cpu_before
    seconds: float = await database.fetchval(
        "SELECT extract(epoch FROM max(m.sent_at) - min(g.started_at))::float8 FROM messages m, mailings g"
    )
    return ServiceResult(
        name=name,
        messages=messages,
        rate=round(messages / seconds, 1),
        cpu_ms=round(used * 1000 / messages, 2),
        peak_rss=round(sum(process_usage.peak_rss(pid) for pid in pids), 1),
    )


@asynccontextmanager
async def _worker(variant: Variant, env: dict[str, str], output: int) -> AsyncIterator[int]:
    """Runs one worker while the block runs, with the priority of Herald's own processes, and yields its pid."""
    options = [f"--pool={variant.pool}", f"--concurrency={variant.concurrency}", "--loglevel=warning"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker: list[str | Path] = [BIN / "celery", "-A", APP, "worker", *options, *quiet, "--hostname=bench-%n"]
    process = await child.start(["nice", "-n", str(BACKGROUND_NICENESS), *worker], output=output, env=env)
    with suppress(OSError):
        await asyncio.to_thread(Path(f"/proc/{process.pid}/autogroup").write_text, str(BACKGROUND_NICENESS))
    try:
        yield process.pid
    finally:
        await child.stop(process)


def _family(pids: Sequence[int]) -> list[int]:
    """Returns the processes and their descendants."""
    found = list(pids)
    for pid in found:
        with suppress(OSError):
            found += [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found


@asynccontextmanager
async def _database(admin_url: str, phones: Sequence[str], text: str, number: int) -> AsyncIterator[asyncpg.Connection]:
    admin = await open_connection(admin_url)
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {DATABASE}")
        connection = await open_connection(url_of(admin_url, DATABASE))
        try:
            await connection.execute(SCHEMA)
            await connection.execute(f"ALTER SEQUENCE messages_id_seq RESTART {FIRST_ID + number * 10**9}")
            await connection.copy_records_to_table("clients", records=[(phone,) for phone in phones], columns=["phone"])
            await connection.execute("INSERT INTO mailings (text, end_at) VALUES ($1, now() + interval '1 h')", text)
            await connection.execute("ANALYZE")
            yield connection
        finally:
            await connection.close()
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await admin.close()


async def _until_ready(broker_url: str, workers: int, log: Path) -> None:
    async with open_broker(broker_url) as connection:
        for _ in range(READY_SECONDS * 2):
            if (await inspect_queue(connection, QUEUE))[1] == workers:
                return
            await asyncio.sleep(0.5)
    raise Failure(f"the Celery workers did not start: see {log}")


async def _until_sent(database: asyncpg.Connection, number: int, log: Path) -> None:
    with mailing_bar(Console()) as progress:
        task = progress.add_task("sending", total=number, rate="")
        for _ in range(SEND_SECONDS):
            sent = await database.fetchval("SELECT count(*) FROM messages WHERE status = 'sent'")
            progress.update(task, completed=sent)
            if sent == number:
                return
            await asyncio.sleep(1)
    raise Failure(f"the Celery workers did not send {number} messages in {SEND_SECONDS} s: see {log}")


async def _delete_queue(broker_url: str) -> None:
    async with open_broker(broker_url) as connection, connection.channel() as channel:
        await channel.queue_delete(QUEUE)
        await channel.exchange_delete(QUEUE)
