"""Where a row takes place: the whole stack as real processes, and the parts that its fault needs to itself."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import asyncpg
import pytest

from cli.native import postgres, rabbitmq
from shared.migrate import migrate
from tests.chaos.broker import open_cluster
from tests.chaos.certificates import Certificates, make_certificates
from tests.support.operator import Operator
from tests.support.relay import Relay
from tests.support.stack import Stack

# So many messages a second, for each dispatcher; slow enough for several rows beside each other on two cores.
RATE = 100
CONCURRENCY = 20
WATERMARK = 1000
LATENCY_MS = 50
# Requests at once, and twice as many results unpublished, after which it claims no more.
MOST_HELD = 3 * CONCURRENCY

ENV = {
    "HERALD_DISPATCHER_CONCURRENCY": str(CONCURRENCY),
    "HERALD_JOBS_HIGH_WATERMARK": str(WATERMARK),
    "HERALD_RETRY_DELAYS": "1s,2s,5s",
    # No fault of a row is to use up a message's attempts: it would end as exhausted, which is right but shows nothing.
    "HERALD_MAX_ATTEMPTS": "200",
    "HERALD_PROVIDER_TIMEOUT": "2",
}
# The machine does not fail, only the server does: without fsync nothing is lost, but without synchronous commits it is.
KEEPS_COMMITS = {"fsync": "off"}
PIPELINE = ("planner", "dispatcher", "reporter")


class Needs(Enum):
    """What a row needs beyond a database and a virtual host of its own."""

    PRIVATE_BROKER = auto()
    BROKER_CLUSTER = auto()
    PRIVATE_DATABASE = auto()
    BROKER_RELAY = auto()
    DATABASE_RELAY = auto()
    PROVIDER_RELAY = auto()
    PROVIDER_TLS = auto()


@dataclass
class Place:
    """Where the services of a row are."""

    database_url: str
    broker_url: str
    folder: Path
    open_folder: Path
    node: rabbitmq.Node | None = None
    nodes: tuple[rabbitmq.Node, ...] = ()
    cluster: postgres.Cluster | None = None
    relay: Relay | None = None
    certificates: Certificates | None = None
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class Arena:
    """What a fault may lay hands on.

    `main` is the mailing that must be sent whole. `held` are the claims (message id, number) whose replies a fault
    may have lost: I4 admits a repeat of each. `broken` is for promises that only the fault itself can watch.
    """

    fault: str
    stack: Stack
    pool: asyncpg.Pool
    operator: Operator
    place: Place
    seconds: float
    rate: float
    main: int = 0
    held: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def node(self) -> rabbitmq.Node:
        assert self.place.node is not None, "the row must need a private broker"
        return self.place.node

    @property
    def cluster(self) -> postgres.Cluster:
        assert self.place.cluster is not None, "the row must need a private database"
        return self.place.cluster

    @property
    def relay(self) -> Relay:
        assert self.place.relay is not None, "the row must need a relay"
        return self.place.relay

    @property
    def certificates(self) -> Certificates:
        assert self.place.certificates is not None, "the row must need TLS"
        return self.place.certificates

    async def remember_held(self) -> None:
        """Remembers the claims that are open now, since whoever held them was just killed, or cut off.

        A dispatcher holds no more than its requests and the results it has not published; what is open beyond that
        waits for the reporter only, and nothing admits that it is sent again.
        """
        rows = await self.pool.fetch(
            "SELECT message_id, claimed_number FROM flights WHERE claimed_number > folded_number"
        )
        found = {(row["message_id"], row["claimed_number"]) for row in rows} - self.held
        self.held |= set(list(found)[:MOST_HELD])


@contextlib.asynccontextmanager
async def _private_broker(place: Place) -> AsyncIterator[None]:
    script = rabbitmq.find_script()
    if script is None:
        pytest.skip("rabbitmq-server is not installed")
    async with rabbitmq.serve(place.folder / "rabbitmq", script, usual_ports=False) as node:
        place.node, place.broker_url = node, node.url
        yield


@contextlib.asynccontextmanager
async def _broker_cluster(place: Place) -> AsyncIterator[None]:
    async with open_cluster(place.folder / "cluster") as place.nodes:
        place.broker_url = ",".join(node.url for node in place.nodes)
        yield


@contextlib.asynccontextmanager
async def _private_database(place: Place) -> AsyncIterator[None]:
    async with postgres.serve(place.open_folder / "postgres", KEEPS_COMMITS) as cluster:
        place.cluster, place.database_url = cluster, await postgres.create_database(cluster, "herald")
        connection = await asyncpg.connect(place.database_url)
        await migrate(connection)
        await connection.close()
        yield


@contextlib.asynccontextmanager
async def _broker_relay(place: Place) -> AsyncIterator[None]:
    async with Relay(place.broker_url) as place.relay:
        place.env["HERALD_RABBITMQ_URL"] = place.relay.url
        yield


@contextlib.asynccontextmanager
async def _database_relay(place: Place) -> AsyncIterator[None]:
    async with Relay(place.database_url) as place.relay:
        place.env["HERALD_DATABASE_URL"] = place.relay.url
        yield


Opening = Callable[[Place], contextlib.AbstractAsyncContextManager[None]]
_OPENINGS: tuple[tuple[Needs, Opening], ...] = (
    (Needs.PRIVATE_BROKER, _private_broker),
    (Needs.BROKER_CLUSTER, _broker_cluster),
    (Needs.PRIVATE_DATABASE, _private_database),
    (Needs.BROKER_RELAY, _broker_relay),
    (Needs.DATABASE_RELAY, _database_relay),
)


@contextlib.asynccontextmanager
async def _provider_relay(place: Place, stack: Stack, needs: frozenset[Needs]) -> AsyncIterator[None]:
    certificate: ssl.SSLContext | None = None
    if Needs.PROVIDER_TLS in needs:
        place.certificates = await make_certificates(place.folder)
        place.env["SSL_CERT_FILE"] = str(place.certificates.trusted)
        certificate = place.certificates.good
    async with Relay(f"{stack.sandbox_url}/v1", certificate) as place.relay:
        place.env["HERALD_PROVIDER_URL"] = place.relay.url
        yield


@contextlib.asynccontextmanager
async def open_arena(
    place: Place,
    needs: frozenset[Needs],
    env: Mapping[str, str],
    processes: Mapping[str, Mapping[str, str]],
    show: Callable[[Stack], None],
) -> AsyncIterator[tuple[Stack, asyncpg.Pool]]:
    """Starts everything for a row: `processes` by name, each with settings of its own on top of `env`.

    `show` is given the stack before its processes start.
    """
    async with contextlib.AsyncExitStack() as opened:
        for need, opening in _OPENINGS:
            if need in needs:
                await opened.enter_async_context(opening(place))
        stack = Stack(place.folder, place.database_url, place.broker_url, ENV | place.env | dict(env))
        show(await opened.enter_async_context(stack))
        await stack.start("sandbox")
        if needs & {Needs.PROVIDER_RELAY, Needs.PROVIDER_TLS}:
            await opened.enter_async_context(_provider_relay(place, stack, needs))
        await asyncio.gather(*(stack.start(name, env=place.env | dict(own)) for name, own in processes.items()))
        # Straight to the database, also where the processes have a relay in between.
        pool = await opened.enter_async_context(asyncpg.create_pool(place.database_url, min_size=1, max_size=4))
        yield stack, pool


Inflict = Callable[[Arena], Awaitable[None]]
