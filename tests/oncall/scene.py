"""A stack under way that faults are injected into, and what they are injected with."""

import asyncio
import signal
import subprocess
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aio_pika
import asyncpg

from tests.e2e.test_crashes import set_faults
from tests.support.mailing_rows import add_mailing
from tests.support.monitoring.prometheus import Prometheus
from tests.support.polling import until
from tests.support.relay import Relay
from tests.support.services import databases
from tests.support.stack import Stack

CONTROL_SECONDS = 60


def address_of(stack: Stack, process: str) -> str:
    """Returns the host:port at which a process is scraped."""
    return stack.process(process).probe.removeprefix("http://").removesuffix("/readyz")


@dataclass(frozen=True, slots=True)
class Scene:
    """The processes, their database and virtual host, the relays between them, and the Prometheus that scrapes them.

    `targets`: the addresses that Prometheus finds, by process.
    """

    stack: Stack
    prometheus: Prometheus
    targets: dict[str, str]
    pool: asyncpg.Pool
    database_url: str
    broker_url: str
    database: Relay
    broker: Relay

    async def answer(self, latency_ms: int = 20, retry_after: int = 1, **modes: float) -> None:
        """Makes the provider answer in these modes, by their weights."""
        await set_faults(self.stack, latency_ms=latency_ms, retry_after=retry_after, modes=modes or {"ok": 1.0})

    def kill(self, process: str, number: signal.Signals = signal.SIGKILL) -> None:
        self.stack.process(process).kill(number)

    async def restart(self, process: str) -> None:
        """Stops a process as a deploy does, and starts it again."""
        await self.stack.process(process).stop()
        await self.stack.process(process).start()

    async def start(self, process: str, **env: str) -> None:
        """Starts one more process, which Prometheus finds as it finds a container."""
        await self.stack.start(process, env=env)
        self.targets[process] = address_of(self.stack, process)
        await self.prometheus.scrape(self.targets)

    async def take_away(self, process: str) -> None:
        """Stops a process for good: Prometheus does not find it any more."""
        await self.stack.process(process).stop()
        del self.targets[process]
        await self.prometheus.scrape(self.targets)

    async def crash(self, process: str) -> None:
        """Kills a process and starts it again."""
        self.kill(process)
        await self.stack.process(process).wait()
        await self.stack.process(process).start()

    async def publish(self, queue: str, body: bytes) -> None:
        """Puts a body into a queue."""
        connection = await aio_pika.connect(self.broker_url)
        async with connection, connection.channel() as channel:
            await channel.default_exchange.publish(aio_pika.Message(body), queue)

    async def purge(self, queue: str) -> None:
        """Empties a queue."""
        connection = await aio_pika.connect(self.broker_url)
        async with connection, connection.channel() as channel:
            await (await channel.get_queue(queue)).purge()

    async def take_rights(self) -> None:
        """Takes all rights from the user of the broker, and ends its connections."""
        vhost = unquote(urlsplit(self.broker_url).path[1:])
        command = ["rabbitmqctl", "set_permissions", "--vhost", vhost, "guest", "^$", "^$", "^$"]
        run = asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=CONTROL_SECONDS)
        await run
        self.broker.drop()

    async def on_database(self, *statements: str) -> None:
        """Runs statements outside of the test's database, whose name replaces `{name}`, and ends its sessions."""
        name = urlsplit(self.database_url).path[1:]
        admin = databases.with_database(self.database_url, "postgres")
        for statement in statements:
            await databases.execute(admin, statement.replace("{name}", f'"{name}"'))
        self.database.drop()

    async def add_mailing(
        self, *, lasts: float, start_in: float = 0, window: tuple[str | None, str | None] = (None, None)
    ) -> int:
        """Adds a mailing to all clients. Times of the window are of the clients' day, which is UTC's."""
        return await add_mailing(self.pool, lasts=lasts, start_in=start_in, window=window)

    async def pause(self, mailing_id: int) -> None:
        """Pauses a mailing as soon as it runs."""

        async def paused() -> bool:
            async with self.stack.api.post(f"/api/v1/mailings/{mailing_id}/pause") as reply:
                return reply.status < 300

        await until(paused, 30, "the mailing is paused")
