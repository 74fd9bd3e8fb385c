"""An embedded PostgreSQL and a private RabbitMQ are started, killed and stopped."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from socket import socket

import aio_pika
import asyncpg
import pytest

from cli.failure import Failure
from cli.native import child, postgres, rabbitmq
from cli.native.ports import free_port, is_free
from cli.native.provisioning import provision_broker
from tests.support.polling import until
from tests.support.services.run import is_alive


def children_named(name: str) -> list[int]:
    """Returns the ids of this process's children that run a program of this name."""
    found = subprocess.run(["pgrep", "-P", str(os.getpid()), "-x", name], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


async def count_rows(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        await connection.execute("INSERT INTO kept VALUES (1)")
        rows: int = await connection.fetchval("SELECT count(*) FROM kept")
        return rows
    finally:
        await connection.close()


async def test_an_embedded_postgresql_keeps_its_data(open_path: Path) -> None:
    for expected in (1, 2):
        async with postgres.serve(open_path / "pg") as cluster:
            assert await count_rows(await postgres.create_database(cluster, "herald")) == expected
    with pytest.raises(OSError, match=r"Connection refused|No such file"):
        await asyncpg.connect(cluster.url("herald"))


async def test_an_embedded_postgresql_that_is_killed_comes_back(open_path: Path) -> None:
    async with postgres.serve(open_path / "pg") as cluster:
        url = await postgres.create_database(cluster, "herald")
        assert await count_rows(url) == 1
        (postmaster,) = children_named("postgres")
        os.kill(postmaster, signal.SIGKILL)

        async def is_back() -> bool:
            return not is_alive(postmaster) and await postgres.answers(cluster)

        await until(is_back, 20, "PostgreSQL answers again")
        assert await count_rows(url) == 2


async def test_a_postgresql_that_cannot_start_shows_its_log(open_path: Path) -> None:
    with pytest.raises(Failure, match="unrecognized configuration parameter"):
        async with postgres.serve(open_path / "pg", {"no_such_setting": "1"}, start_seconds=2):
            pass


@pytest.fixture
def script() -> Path:
    found = rabbitmq.find_script()
    if found is None:
        pytest.skip("rabbitmq-server is not installed")
    return found


async def test_a_private_node_runs_beside_another_broker(open_path: Path, script: Path) -> None:
    with closing(socket()) as other:
        if is_free(rabbitmq.DEFAULT_PORT):
            other.bind(("127.0.0.1", rabbitmq.DEFAULT_PORT))
            other.listen()
        async with rabbitmq.serve(open_path / "rabbitmq", script) as node:
            assert node.port != rabbitmq.DEFAULT_PORT
            assert await rabbitmq.answers(node.url)
            await publish(node.url)
        assert is_free(node.port)
        assert not children_named("beam.smp")
        # The queues and their messages survive a restart and a kill.
        async with rabbitmq.serve(open_path / "rabbitmq", script) as node:
            (killed,) = children_named("beam.smp")
            os.kill(killed, signal.SIGKILL)

            async def is_back() -> bool:
                return not is_alive(killed) and await rabbitmq.answers(node.url)

            await until(is_back, 60, "RabbitMQ answers again")
            assert await count_ready(node.url) == 1


async def publish(url: str) -> None:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(b"{}", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "kept")


async def count_ready(url: str) -> int | None:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        # The message count of a recovering quorum queue may lag behind; getting a message does not.
        queue = await channel.declare_queue("kept", passive=True)
        found = await queue.get(timeout=10, fail=False)
        return None if found is None else 1


async def test_a_given_broker_is_used_as_it_is(open_path: Path) -> None:
    lines: list[str] = []
    async with provision_broker("amqp://somewhere/", open_path, lines.append) as url:
        assert url == "amqp://somewhere/"
    assert lines == ["RabbitMQ: the one of HERALD_RABBITMQ_URL"]


PARENT = """
import asyncio, subprocess, sys
from cli.native import child
async def main():
    process = await child.start(["sleep", "60"], output=subprocess.DEVNULL)
    print(process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has a parent death signal")
async def test_a_child_ends_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()

    async def is_gone() -> bool:
        return not is_alive(pid)

    await until(is_gone, 10, "the child is gone")


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


async def test_a_child_that_ignores_the_first_signal_gets_the_next() -> None:
    process = await child.start([sys.executable, "-c", STUBBORN], output=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    code = await child.stop(process, [(signal.SIGTERM, 0.5), (signal.SIGKILL, 5)])
    assert code == -signal.SIGKILL


def test_a_port_with_a_listener_is_not_free() -> None:
    port = free_port()
    with closing(socket()) as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert not is_free(port)
    assert is_free(port)
