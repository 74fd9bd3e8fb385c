"""A PostgreSQL with a synchronous standby, which is promoted when the primary is killed."""

import asyncio
import contextlib
import os
import pwd
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from cli.native import child, postgres
from cli.native.postgres import Cluster
from tests.support.polling import until

START_SECONDS = 60
# A commit waits until the standby has it, so that nothing that was confirmed is lost with the primary.
SYNCHRONOUS = {"synchronous_standby_names": "*", "synchronous_commit": "on"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary and its standby, each on a TCP port of its own."""

    clusters: tuple[Cluster, Cluster]
    processes: tuple[Process, Process]
    ports: tuple[int, int]

    def url(self, database: str) -> str:
        """Returns the URL that finds the primary among the two."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"

    async def fail_over(self) -> None:
        """Kills the primary with SIGKILL, and promotes the standby."""
        primary, _ = self.processes
        primary.send_signal(signal.SIGKILL)
        await primary.wait()
        _, standby = self.clusters
        await _run(standby, "pg_ctl", "promote", "-D", str(standby.data))


@contextlib.asynccontextmanager
async def open_pair(folder: Path, ports: tuple[int, int]) -> AsyncIterator[Pair]:
    """Runs both servers while the block runs."""
    async with postgres.serve(folder / "primary") as first:
        pass
    second = replace(first, data=folder / "primary" / "standby", log=folder / "standby.log")
    async with contextlib.AsyncExitStack() as opened:
        primary = await opened.enter_async_context(_serve(first, ports[0], SYNCHRONOUS))
        _make_folder(second)
        await _run(first, "pg_basebackup", "-R", "-c", "fast", "-D", str(second.data), "-d", _address(ports[0]))
        standby = await opened.enter_async_context(_serve(second, ports[1], {}))
        yield Pair((first, second), (primary, standby), ports)


@contextlib.asynccontextmanager
async def _serve(cluster: Cluster, port: int, settings: dict[str, str]) -> AsyncIterator[Process]:
    options = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", **settings}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with cluster.log.open("ab") as log:
        process = await child.start(
            [cluster.binaries / "postgres", "-D", cluster.data, *arguments], output=log.fileno(), user=cluster.user
        )

    async def answers() -> bool:
        try:
            connection = await asyncpg.connect(_address(port), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    try:
        await until(answers, START_SECONDS, f"PostgreSQL answers at {port}: see {cluster.log}")
        yield process
    finally:
        await child.stop(process, postgres.STOP_STEPS)


def _make_folder(cluster: Cluster) -> None:
    """Makes the folder of the data, which only the user that runs the server may read."""
    cluster.data.mkdir(mode=0o700)
    if cluster.user is not None:
        entry = pwd.getpwnam(cluster.user)
        os.chown(cluster.data, entry.pw_uid, entry.pw_gid)


def _address(port: int) -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


async def _run(cluster: Cluster, program: str, *arguments: str) -> None:
    with cluster.log.open("ab") as log:
        process = await child.start([cluster.binaries / program, *arguments], output=log.fileno(), user=cluster.user)
    async with asyncio.timeout(START_SECONDS):
        assert await process.wait() == 0, f"{program}: see {cluster.log}"
