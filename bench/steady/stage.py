"""The stack of a measurement: what it needs of the bench, and dispatchers that reach their services by other ways."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import asyncpg
from rich.console import Console

from bench import pipeline
from cli.connections.api import ApiClient, Json, open_api
from cli.failure import Failure
from cli.native.ports import free_port
from cli.run import run
from cli.stack.launch import RunningStack, StackOptions, environment, open_stack
from cli.stack.output import FileSink, announce
from cli.stack.plan import ProcessSpec, StackPlan
from cli.stack.signals import run_until_signal
from cli.stack.supervisor import Supervisor
from cli.terminal.tables import make_table
from shared import logs

LOGS = pipeline.BENCH_FOLDER / "logs"
TAG = "steady"
FIXED = {"HERALD_LOG_FORMAT": "json", "HERALD_API_RATE": "unlimited", "HERALD_PROVIDER_RATE": "unlimited"}


@dataclass(frozen=True, slots=True)
class FiguresTable:
    """What a measurement prints."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A running stack with a client of its API and a connection to its database. `env` is what it was started with."""

    stack: RunningStack
    api: ApiClient
    connection: asyncpg.Connection
    env: Mapping[str, str]

    @property
    def sandbox_url(self) -> str:
        """The URL of the sandbox. Raises Failure where another provider is used."""
        if self.stack.sandbox_url is None:
            raise Failure("only the sandbox keeps a ledger: unset HERALD_PROVIDER_URL", code=2)
        return self.stack.sandbox_url

    async def add_clients(self, count: int, tag: str = TAG, after: int = 0) -> None:
        """Imports clients with this tag, whose phones follow the first `after` ones."""
        await pipeline.import_clients(self.api, pipeline.make_phones(after + count)[after:], tag)

    async def set_faults(self, latency_ms: int, failures: float = 0.0) -> None:
        await pipeline.set_faults(self.stack, latency_ms, failures)

    async def count_requests(self) -> int:
        """Returns how many requests the provider has got."""
        async with aiohttp.ClientSession(self.sandbox_url) as session, session.get("/ledger") as reply:
            ledger: Json = await reply.json()
        return int(ledger["accepted"] + ledger["rejected"])

    async def create_mailing(self, tag: str = TAG, starts_in: timedelta | None = None) -> int:
        """Creates a mailing to the clients with a tag, which ends in an hour or two, and returns its id."""
        now = datetime.now(UTC)
        body = {"text": pipeline.TEXT, "end_at": (now + timedelta(hours=2)).isoformat(), "filter": {"tags": [tag]}}
        if starts_in is not None:
            body["start_at"] = (now + starts_in).isoformat()
        mailing_id: int = (await self.api.post("/mailings", body))["id"]
        return mailing_id

    async def until_sent(self, least: int, mailing_id: int) -> None:
        """Waits until so many messages of a mailing are sent."""
        sent = "SELECT coalesce(max(sent), 0) FROM mailing_counts WHERE mailing_id = $1"
        while await self.connection.fetchval(sent, mailing_id) < least:  # noqa: ASYNC110 - polls another process
            await asyncio.sleep(0.1)

    async def until_finished(self, mailing_ids: Sequence[int]) -> None:
        """Waits until the books of all these mailings are closed."""
        left = "SELECT count(*) FROM mailings WHERE id = ANY ($1::bigint[]) AND finished_at IS NULL"
        while await self.connection.fetchval(left, mailing_ids):  # noqa: ASYNC110 - polls another process
            await asyncio.sleep(0.2)

    async def rate_of(self, mailing_ids: Sequence[int]) -> float:
        """Returns messages a second, from when the first of these mailings should have started to the last message."""
        rate: float = await self.connection.fetchval(
            """
            SELECT (count(*) / greatest(extract(epoch FROM max(m.final_at) - min(g.start_at)), 0.001))::float8
            FROM messages m JOIN mailings g ON g.id = m.mailing_id WHERE g.id = ANY ($1::bigint[])
            """,
            mailing_ids,
        )
        return rate

    @asynccontextmanager
    async def dispatcher(self, name: str, own: Mapping[str, str]) -> AsyncIterator[str]:
        """Runs a dispatcher with settings of its own while the block runs, and yields the address of its ops port."""
        ops = f"127.0.0.1:{free_port()}"
        shared = {
            "HERALD_DATABASE_URL": self.stack.database_url,
            "HERALD_RABBITMQ_URL": self.stack.broker_url,
            "HERALD_PROVIDER_URL": f"{self.sandbox_url}/v1",
            "HERALD_PROVIDER_TOKEN": self.stack.provider_token,
            "HERALD_OPS_PORT": ops.rpartition(":")[2],
        }
        spec = ProcessSpec(name, "dispatcher", {**self.env, **shared, **own}, f"http://{ops}/readyz", ops)
        plan = StackPlan((spec,), self.stack.api_url, self.stack.sandbox_url)
        async with Supervisor(plan, FileSink(LOGS)) as supervisor:
            await supervisor.until_ready()
            yield ops


Measure = Callable[[Stage], Awaitable[FiguresTable]]


def run_on_stage(measure: Measure, *, workers: int, concurrency: int, env: Mapping[str, str] | None = None) -> None:
    """Measures with a stack of its own, prints the figures, and exits.

    The stack has as many dispatchers as `workers`; `env` are settings for all of its processes.
    """
    settings = environment() | FIXED | {"HERALD_DISPATCHER_CONCURRENCY": str(concurrency)} | dict(env or {})
    run(_run(measure, workers, settings))


async def _run(measure: Measure, workers: int, env: dict[str, str]) -> int:
    logs.configure("herald", level="error", json=False)
    code = await run_until_signal(_measure(measure, workers, env), lambda: announce("stopping"))
    return 130 if code is None else code


async def _measure(measure: Measure, workers: int, env: dict[str, str]) -> int:
    await asyncio.to_thread(shutil.rmtree, LOGS, ignore_errors=True)
    options = StackOptions(pipeline.BENCH_FOLDER, "herald_bench", workers, fresh=True, flexible=True)
    async with open_stack(options, env, announce, FileSink(LOGS)) as stack:
        found = await stack.supervisor.during(_on_stage(measure, stack, env))
    Console().print(make_table(found.title, found.columns, found.rows))
    return 0


async def _on_stage(measure: Measure, stack: RunningStack, env: Mapping[str, str]) -> FiguresTable:
    async with pipeline.connect_to(stack) as connection, open_api(stack.api_url, stack.token) as api:
        return await measure(Stage(stack, api, connection, env))
