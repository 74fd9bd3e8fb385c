"""PostgreSQL and RabbitMQ of a stack: found, or started under .herald/."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiormq
from aio_pika.abc import AbstractConnection

from cli.connections.broker import open_broker
from cli.failure import Failure
from cli.native.provisioning import Notify, provision_broker, provision_database
from shared import settings, topology
from shared.settings import BrokerSettings

ELSEWHERE = "set HERALD_RABBITMQ_URL to an empty virtual host"


@dataclass(frozen=True, slots=True)
class BackingServices:
    database_url: str
    broker_url: str


@asynccontextmanager
async def open_backing_services(
    folder: Path, database: str, env: Mapping[str, str], notify: Notify, *, fresh: bool
) -> AsyncIterator[BackingServices]:
    """Have both while the block runs. `fresh` begins with no data. Raises Failure when one cannot be had."""
    given_database, given_broker = env.get("HERALD_DATABASE_URL"), env.get("HERALD_RABBITMQ_URL")
    if fresh:
        await asyncio.to_thread(_forget, folder)
    async with (
        provision_database(given_database, folder / "postgres", database, notify) as database_url,
        provision_broker(given_broker, folder / "rabbitmq", notify) as broker_url,
    ):
        if not given_database:
            # What waits in a broker is about one database; this one is nobody else's.
            await _require_unused(broker_url, fresh=fresh, ours=not given_broker)
        yield BackingServices(database_url, broker_url)


def refuse_fresh(env: Mapping[str, str]) -> None:
    """Raises Failure where --fresh would have to empty what somebody else provides."""
    for variable in ("HERALD_DATABASE_URL", "HERALD_RABBITMQ_URL"):
        if env.get(variable):
            raise Failure(f"--fresh only empties what Herald runs itself: unset {variable}, or empty it yourself", 2)


def _forget(folder: Path) -> None:
    for part in ("postgres", "rabbitmq"):
        shutil.rmtree(folder / part, ignore_errors=True)


async def _require_unused(url: str, *, fresh: bool, ours: bool) -> None:
    """Raises Failure when another Herald works on this broker, or left there what a fresh database does not know.

    On a broker that nobody chose for us such leavings are of a former run of ours, and are deleted.
    """
    async with open_broker(url) as connection:
        depths = [
            await count_waiting(connection, queue) for queue in (topology.DISPATCHER_JOBS, topology.REPORTER_RESULTS)
        ]
        if any(consumers for _, consumers in depths):
            raise Failure(f"another Herald works on this RabbitMQ: stop it, or {ELSEWHERE}")
        if fresh and not ours and any(ready for ready, _ in depths):
            raise Failure(f"this RabbitMQ holds messages of another Herald: {ELSEWHERE}")
        if fresh and ours:
            await _delete_queues(connection)


async def _delete_queues(connection: AbstractConnection) -> None:
    table = topology.build(settings.load(BrokerSettings).retry_delays)
    async with connection.channel() as channel:
        for queue in table.queues:
            await channel.queue_delete(queue.name)


async def count_waiting(connection: AbstractConnection, queue: str) -> tuple[int, int]:
    """Counts what waits in a queue and who consumes it; a queue that is not there has neither."""
    channel = await connection.channel()
    try:
        found = await channel.declare_queue(queue, passive=True)
    except aiormq.exceptions.ChannelNotFoundEntity:
        return 0, 0
    await channel.close()
    return found.declaration_result.message_count or 0, found.declaration_result.consumer_count or 0
