"""The PostgreSQL and the RabbitMQ of a stack: given ones, or private ones under .herald/."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiormq
from aio_pika.abc import AbstractConnection

from cli.connections.broker import open_broker
from cli.failure import Failure, Occupied
from cli.native.provisioning import Notify, provision_broker, provision_database
from cli.terminal.wording import count
from shared import settings, topology
from shared.broker import BROKER_OUTAGES
from shared.settings import BrokerSettings

EMPTY_VHOST_HINT = "set HERALD_RABBITMQ_URL to an empty virtual host"
# What PostgreSQL writes into the data of a new server.
INITIALISED = Path("data", "PG_VERSION")


@dataclass(frozen=True, slots=True)
class BackingServices:
    """The URLs of the services."""

    database_url: str
    broker_url: str


@asynccontextmanager
async def open_backing_services(
    folder: Path, database: str, env: Mapping[str, str], notify: Notify, *, fresh: bool, private_broker: bool = False
) -> AsyncIterator[BackingServices]:
    """Runs both services while the block runs, and yields their URLs. Raises Failure when one cannot run.

    `fresh` deletes the data of earlier runs first.
    """
    if private_broker and env.get("HERALD_RABBITMQ_URL"):
        raise Failure("give either --private-broker or HERALD_RABBITMQ_URL", code=2)
    given_database, given_broker = env.get("HERALD_DATABASE_URL"), env.get("HERALD_RABBITMQ_URL")
    if fresh:
        await asyncio.to_thread(_delete_data, folder)
    is_new = not (folder / "postgres" / INITIALISED).exists()
    async with (
        provision_database(given_database, folder / "postgres", database, notify) as database_url,
        provision_broker(given_broker, folder / "rabbitmq", notify, private=private_broker) as broker_url,
    ):
        services = BackingServices(database_url, broker_url)
        if given_database:
            yield services
            return
        # Queued messages refer to the rows of one database, so a private database needs a broker of its own.
        names = _queue_names(env)
        found = await _require_unused(broker_url, names, fresh=fresh, ours=not given_broker)
        if is_new and not fresh:
            await require_empty(broker_url, found, ours=not given_broker)
        try:
            yield services
        finally:
            if fresh:
                await _remove_queues(broker_url, [name for name in names if name not in found])


def refuse_fresh(env: Mapping[str, str]) -> None:
    """Raises Failure if --fresh would have to empty a service that Herald does not run itself."""
    for variable in ("HERALD_DATABASE_URL", "HERALD_RABBITMQ_URL"):
        if env.get(variable):
            raise Failure(f"--fresh cannot empty the service of {variable}: unset it, or empty the service yourself", 2)


def _delete_data(folder: Path) -> None:
    for part in ("postgres", "rabbitmq"):
        shutil.rmtree(folder / part, ignore_errors=True)


async def _require_unused(url: str, names: Sequence[str], *, fresh: bool, ours: bool) -> frozenset[str]:
    """Raises Failure if another Herald uses this broker, or if its messages refer to another database.

    Queues of an earlier run are deleted if `fresh`, and if Herald chose the broker itself (`ours`). Returns the names
    of the queues that are there then.
    """
    async with open_broker(url) as connection:
        depths = [
            await inspect_queue(connection, queue) for queue in (topology.DISPATCHER_JOBS, topology.REPORTER_RESULTS)
        ]
        if any(consumers for _, consumers in depths):
            raise Occupied(f"another Herald uses this RabbitMQ: stop it, or {EMPTY_VHOST_HINT}")
        if fresh and not ours and any(ready for ready, _ in depths):
            raise Occupied(f"this RabbitMQ holds messages of another Herald: {EMPTY_VHOST_HINT}")
        if fresh and ours:
            await _delete_queues(connection, names)
        return frozenset([name for name in names if await _exists(connection, name)])


async def require_empty(url: str, names: Iterable[str], *, ours: bool) -> None:
    """Raises Occupied if queues hold something: it refers to the rows of another database than this new one.

    Only of a broker that Herald chose itself (`ours`) may it remove them.
    """
    async with open_broker(url) as connection:
        held = sum([(await inspect_queue(connection, name))[0] for name in names])
    if held:
        raise Occupied(
            f"this RabbitMQ holds {count(held, 'message')} of another database than the new one of this folder: "
            + (f"remove {'it' if held == 1 else 'them'} with `herald up --fresh`, or " if ours else "")
            + EMPTY_VHOST_HINT
        )


async def _remove_queues(url: str, names: Sequence[str]) -> None:
    """Deletes the queues of a stack whose database is deleted with it. A broker that is away keeps them."""
    with contextlib.suppress(Failure, *BROKER_OUTAGES):
        async with open_broker(url) as connection:
            await _delete_queues(connection, names)


async def _delete_queues(connection: AbstractConnection, names: Sequence[str]) -> None:
    async with connection.channel() as channel:
        for name in names:
            await channel.queue_delete(name)


def _queue_names(env: Mapping[str, str]) -> list[str]:
    """Returns the names of the queues of a stack with this environment, whose retry delays may be its own."""
    delays = settings.load(BrokerSettings).retry_delays
    if given := env.get("HERALD_RETRY_DELAYS"):
        delays = tuple(settings.parse_delay(part) for part in given.split(","))
    return [queue.name for queue in topology.build(delays).queues]


async def _exists(connection: AbstractConnection, queue: str) -> bool:
    channel = await connection.channel()
    try:
        await channel.declare_queue(queue, passive=True)
    except aiormq.exceptions.ChannelNotFoundEntity:
        return False
    await channel.close()
    return True


async def inspect_queue(connection: AbstractConnection, queue: str) -> tuple[int, int]:
    """Returns the numbers of ready messages and of consumers of a queue; both are 0 if it does not exist."""
    channel = await connection.channel()
    try:
        found = await channel.declare_queue(queue, passive=True)
    except aiormq.exceptions.ChannelNotFoundEntity:
        return 0, 0
    await channel.close()
    return found.declaration_result.message_count or 0, found.declaration_result.consumer_count or 0
