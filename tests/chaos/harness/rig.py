"""The system that a fault is injected into: real processes, and private services where the fault needs them."""

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
from tests.chaos.faults.broker import open_cluster
from tests.chaos.faults.certificates import Certificates, make_certificates
from tests.chaos.faults.statements import StatementRelay
from tests.chaos.harness.witness import Witness
from tests.support.operator import Operator
from tests.support.relay import Relay
from tests.support.stack import Stack

# Messages a second of all dispatchers: slow enough for several experiments side by side on two cores.
RATE = 100
CONCURRENCY = 20
WATERMARK = 1000
LATENCY_MS = 50
# A dispatcher claims nothing more once it holds CONCURRENCY requests and twice as many unpublished results.
MAX_HELD_CLAIMS = 3 * CONCURRENCY

ENV = {
    "HERALD_DISPATCHER_CONCURRENCY": str(CONCURRENCY),
    "HERALD_JOBS_HIGH_WATERMARK": str(WATERMARK),
    "HERALD_RETRY_DELAYS": "1s,2s,5s",
    # A fault must not use up the attempts of a message: it would end as exhausted, which is right but proves nothing.
    "HERALD_MAX_ATTEMPTS": "200",
    "HERALD_PROVIDER_TIMEOUT": "2",
}
# Only the server is killed, never the machine: fsync may be off, but commits must stay synchronous.
KEEPS_COMMITS = {"fsync": "off", "max_connections": "400"}
PIPELINE = ("planner", "dispatcher", "reporter")

RECEIPTS_TOKEN = "a-token-of-receipts"
PROVIDERS_ENV = {
    "SMSC_LOGIN": "me",
    "SMSC_PASSWORD": "sesame-open",
    "VONAGE_API_KEY": "key",
    "VONAGE_API_SECRET": "sesame-too",
    "RECEIPTS_TOKEN": RECEIPTS_TOKEN,
}
# Each has half of RATE.
PROVIDERS = """
version: 1
providers:
  smsc:
    preset: smsc
    request: {{url: "{smsc}"}}
    receipts: {{token: "${{RECEIPTS_TOKEN}}"}}
    timeout: 2s
    rate: 50/s
  vonage:
    preset: vonage
    sender: MyShop
    request: {{url: "{vonage}"}}
    receipts: {{token: "${{RECEIPTS_TOKEN}}"}}
    timeout: 2s
    rate: 50/s
"""


class Requirement(Enum):
    """What an experiment needs besides a database and a virtual host of its own."""

    PRIVATE_BROKER = auto()
    BROKER_CLUSTER = auto()
    PRIVATE_DATABASE = auto()
    BROKER_RELAY = auto()
    DATABASE_RELAY = auto()
    STATEMENT_RELAY = auto()
    PROVIDER_RELAY = auto()
    PROVIDER_TLS = auto()
    PROVIDER_WITNESS = auto()
    PROVIDERS_FILE = auto()


@dataclass
class RigServices:
    """The addresses of an experiment's services, and the private services that were started for it."""

    database_url: str
    broker_url: str
    folder: Path
    open_folder: Path
    node: rabbitmq.Node | None = None
    nodes: tuple[rabbitmq.Node, ...] = ()
    cluster: postgres.Cluster | None = None
    relay: Relay | None = None
    certificates: Certificates | None = None
    witness: Witness | None = None
    statements: StatementRelay | None = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def providers_file(self) -> Path:
        return self.folder / "providers.yaml"


@dataclass
class Rig:
    """What a fault function works on, and where it records what it saw.

    `main` is the mailing that must reach all of its clients; `others` must, too. `held_claims` are the claims
    (message id, number) whose replies may be lost because of the fault: I4 permits one repeat of each. `violations` is
    for promises that only the fault function itself can check.
    """

    fault: str
    stack: Stack
    pool: asyncpg.Pool
    operator: Operator
    services: RigServices
    seconds: float
    rate: float
    main: int = 0
    others: set[int] = field(default_factory=set)
    held_claims: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def node(self) -> rabbitmq.Node:
        assert self.services.node is not None, "the experiment must require a private broker"
        return self.services.node

    @property
    def cluster(self) -> postgres.Cluster:
        assert self.services.cluster is not None, "the experiment must require a private database"
        return self.services.cluster

    @property
    def relay(self) -> Relay:
        assert self.services.relay is not None, "the experiment must require a relay"
        return self.services.relay

    @property
    def certificates(self) -> Certificates:
        assert self.services.certificates is not None, "the experiment must require TLS"
        return self.services.certificates

    @property
    def statements(self) -> StatementRelay:
        assert self.services.statements is not None, "the experiment must require a relay of statements"
        return self.services.statements

    @property
    def witness(self) -> Witness:
        assert self.services.witness is not None, "the experiment must require a witness"
        return self.services.witness

    async def remember_held_claims(self, most: int | None = MAX_HELD_CLAIMS) -> None:
        """Records the claims that are open now, because their dispatcher was just killed or cut off.

        A dispatcher holds at most its requests and its unpublished results. Any further open claim only waits for
        the reporter, and may not be sent again, unless the broker lost the results: then `most` is None.
        """
        rows = await self.pool.fetch(
            "SELECT message_id, claimed_number FROM flights WHERE claimed_number > folded_number"
        )
        found = {(row["message_id"], row["claimed_number"]) for row in rows} - self.held_claims
        self.held_claims |= set(list(found)[:most])


@contextlib.asynccontextmanager
async def _private_broker(services: RigServices) -> AsyncIterator[None]:
    script = rabbitmq.find_script()
    if script is None:
        pytest.skip("rabbitmq-server is not installed")
    async with rabbitmq.serve(services.folder / "rabbitmq", script, usual_ports=False) as node:
        services.node = node
        services.broker_url = node.url
        yield


@contextlib.asynccontextmanager
async def _broker_cluster(services: RigServices) -> AsyncIterator[None]:
    async with open_cluster(services.folder / "cluster") as services.nodes:
        services.broker_url = ",".join(node.url for node in services.nodes)
        yield


@contextlib.asynccontextmanager
async def _private_database(services: RigServices) -> AsyncIterator[None]:
    async with postgres.serve(services.open_folder / "postgres", KEEPS_COMMITS) as cluster:
        services.cluster = cluster
        services.database_url = await postgres.create_database(cluster, "herald")
        connection = await asyncpg.connect(services.database_url)
        await migrate(connection)
        await connection.close()
        yield


@contextlib.asynccontextmanager
async def _broker_relay(services: RigServices) -> AsyncIterator[None]:
    async with Relay(services.broker_url) as services.relay:
        services.env["HERALD_RABBITMQ_URL"] = services.relay.url
        yield


@contextlib.asynccontextmanager
async def _database_relay(services: RigServices) -> AsyncIterator[None]:
    async with Relay(services.database_url) as services.relay:
        services.env["HERALD_DATABASE_URL"] = services.relay.url
        yield


@contextlib.asynccontextmanager
async def _statement_relay(services: RigServices) -> AsyncIterator[None]:
    async with StatementRelay(services.database_url) as services.statements:
        services.env["HERALD_DATABASE_URL"] = services.statements.url
        yield


StartService = Callable[[RigServices], contextlib.AbstractAsyncContextManager[None]]
_SERVICES: tuple[tuple[Requirement, StartService], ...] = (
    (Requirement.PRIVATE_BROKER, _private_broker),
    (Requirement.BROKER_CLUSTER, _broker_cluster),
    (Requirement.PRIVATE_DATABASE, _private_database),
    (Requirement.BROKER_RELAY, _broker_relay),
    (Requirement.DATABASE_RELAY, _database_relay),
    (Requirement.STATEMENT_RELAY, _statement_relay),
)


@contextlib.asynccontextmanager
async def _provider_relay(services: RigServices, stack: Stack, requires: frozenset[Requirement]) -> AsyncIterator[None]:
    certificate: ssl.SSLContext | None = None
    if Requirement.PROVIDER_TLS in requires:
        services.certificates = await make_certificates(services.folder)
        services.env["SSL_CERT_FILE"] = str(services.certificates.trusted)
        certificate = services.certificates.good
    async with Relay(f"{stack.sandbox_url}/v1", certificate) as services.relay:
        services.env["HERALD_PROVIDER_URL"] = services.relay.url
        yield


@contextlib.asynccontextmanager
async def _provider_witness(services: RigServices, stack: Stack) -> AsyncIterator[None]:
    async with Witness(f"{stack.sandbox_url}/v1") as services.witness:
        services.env["HERALD_PROVIDER_URL"] = services.witness.url
        yield


@contextlib.asynccontextmanager
async def _providers_file(services: RigServices, stack: Stack) -> AsyncIterator[None]:
    """Writes a file with two providers that drop no second request: smsc behind a relay, and vonage."""
    async with Relay(f"{stack.sandbox_url}/presets/smsc") as services.relay:
        vonage = f"{stack.sandbox_url}/presets/vonage/sms/json"
        text = PROVIDERS.format(smsc=f"{services.relay.url}/sys/send.php", vonage=vonage)
        services.providers_file.write_text(text)
        services.env |= PROVIDERS_ENV | {"HERALD_PROVIDERS_FILE": str(services.providers_file)}
        yield


@contextlib.asynccontextmanager
async def open_rig(
    services: RigServices,
    requires: frozenset[Requirement],
    env: Mapping[str, str],
    processes: Mapping[str, Mapping[str, str]],
    show_logs: Callable[[Stack], None],
) -> AsyncIterator[tuple[Stack, asyncpg.Pool]]:
    """Starts all services and processes of an experiment, and stops them at the end of the block.

    `processes` maps the name of each process to settings of its own, which override `env`. `show_logs` is called with
    the stack before its processes start.
    """
    async with contextlib.AsyncExitStack() as opened:
        for requirement, start in _SERVICES:
            if requirement in requires:
                await opened.enter_async_context(start(services))
        stack = Stack(services.folder, services.database_url, services.broker_url, ENV | services.env | dict(env))
        show_logs(await opened.enter_async_context(stack))
        await stack.start("sandbox")
        if requires & {Requirement.PROVIDER_RELAY, Requirement.PROVIDER_TLS}:
            await opened.enter_async_context(_provider_relay(services, stack, requires))
        if Requirement.PROVIDER_WITNESS in requires:
            await opened.enter_async_context(_provider_witness(services, stack))
        if Requirement.PROVIDERS_FILE in requires:
            await opened.enter_async_context(_providers_file(services, stack))
        await asyncio.gather(*(stack.start(name, env=services.env | dict(own)) for name, own in processes.items()))
        # The oracle connects to the database directly, also where the processes go through a relay.
        pool = await opened.enter_async_context(asyncpg.create_pool(services.database_url, min_size=1, max_size=4))
        yield stack, pool


InjectFault = Callable[[Rig], Awaitable[None]]
