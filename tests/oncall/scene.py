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
from tests.support.relay import Relay
from tests.support.services import databases
from tests.support.stack import Stack

CONTROL_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Scene:
    """The processes, their database and virtual host, and the relays between them."""

    stack: Stack
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

    async def call(self, method: str, path: str) -> None:
        async with self.stack.api.request(method, f"/api/v1{path}") as reply:
            assert reply.status < 300, await reply.text()
