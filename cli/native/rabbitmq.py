"""Runs a private RabbitMQ node with the rabbitmq-server that is installed on this machine."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import aiormq

from cli.failure import Failure
from cli.native import child
from cli.native.ports import free_port, is_free

LOCAL_URL = "amqp://guest:guest@localhost:5672/"
DEFAULT_PORT, DEFAULT_MANAGEMENT_PORT = 5672, 15672
START_SECONDS = 90
MAX_STARTS = 3
STOP_STEPS: tuple[child.Step, ...] = ((signal.SIGTERM, 20), (signal.SIGKILL, 5))
# Debian's wrapper in /usr/sbin requires the rabbitmq user; the script that it wraps runs as any user.
SCRIPTS = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), Path("/opt/rabbitmq/sbin/rabbitmq-server"))
MANAGEMENT_PLUGIN = "plugins/rabbitmq_management-*"


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """The folders of the nodes that form a cluster, and the name server (epmd) and cookie that they share."""

    folders: tuple[Path, ...]
    epmd_port: int
    cookie: str


@dataclass(frozen=True, slots=True)
class Node:
    """The files and ports of a private node."""

    folder: Path
    script: Path
    port: int
    management_port: int | None
    distribution_port: int
    epmd_port: int
    cluster: ClusterConfig | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def management_url(self) -> str | None:
        return f"http://127.0.0.1:{self.management_port}" if self.management_port else None

    @property
    def log(self) -> Path:
        return self.folder / "log"


async def answers(url: str, seconds: float = 5) -> bool:
    """Returns whether a broker accepts the credentials of this URL."""
    try:
        await _reach(url, seconds)
        connection = await aio_pika.connect(url, timeout=seconds)
    except (OSError, TimeoutError, RuntimeError, aiormq.exceptions.AMQPError):
        return False
    await connection.close()
    return True


async def _reach(url: str, seconds: float) -> None:
    # The AMQP library would log a refused connection as an error, although it is expected here.
    parts = urlsplit(url)
    async with asyncio.timeout(seconds):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port or DEFAULT_PORT)
    writer.close()


def find_script() -> Path | None:
    """Returns the script that starts an installed RabbitMQ in the foreground, or None."""
    known = next((script for script in SCRIPTS if script.exists()), None)
    found = shutil.which("rabbitmq-server")
    return known or (Path(found) if found else None)


@contextlib.asynccontextmanager
async def serve(
    folder: Path, script: Path, *, usual_ports: bool = True, cluster: ClusterConfig | None = None
) -> AsyncIterator[Node]:
    """Runs a private node on the files in `folder` while the block runs.

    It listens on port 5672 if that is free and `usual_ports` is true, otherwise on a free port, so that several nodes
    may start at once. A node of a cluster waits for the others, and leaves their name server running. Raises Failure
    when the node does not start.
    """
    node = _prepare(folder, script, usual_ports, cluster)
    await end_epmd(_last_epmd_port(node))
    _write_files(node)
    with node.log.open("ab") as log:
        launch = partial(child.start, [node.script], output=log, env=environment(node))
        try:
            async with child.RestartingProcess(launch, STOP_STEPS) as server:
                await _until_ready(node, server)
                yield node
        finally:
            if cluster is None:
                await end_epmd(node.epmd_port)


def _prepare(folder: Path, script: Path, usual_ports: bool, cluster: ClusterConfig | None) -> Node:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    managed = any(script.resolve().parent.parent.glob(MANAGEMENT_PLUGIN))
    return Node(
        folder=folder,
        script=script,
        port=_prefer(DEFAULT_PORT, usual_ports),
        management_port=_prefer(DEFAULT_MANAGEMENT_PORT, usual_ports) if managed else None,
        distribution_port=free_port(),
        epmd_port=free_port() if cluster is None else cluster.epmd_port,
        cluster=cluster,
    )


def _prefer(port: int, usual: bool) -> int:
    return port if usual and is_free(port) else free_port()


def _write_files(node: Node) -> None:
    lines = [
        f"listeners.tcp.local = 127.0.0.1:{node.port}",
        "vm_memory_high_watermark.relative = 0.4",
        "disk_free_limit.absolute = 200MB",
        # Quorum queues keep their log in memory as well; the default of 512 MB is too much for a laptop.
        "raft.wal_max_size_bytes = 64000000",
    ]
    if node.management_port is not None:
        lines += ["management.tcp.ip = 127.0.0.1", f"management.tcp.port = {node.management_port}"]
    if node.cluster is not None:
        lines += _formation(node.cluster)
        cookie = node.folder / ".erlang.cookie"
        cookie.touch(mode=0o600)
        cookie.write_text(node.cluster.cookie)
    plugins = "[rabbitmq_management]." if node.management_port is not None else "[]."
    (node.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
    (node.folder / "enabled_plugins").write_text(plugins + "\n")
    (node.folder / "environment").write_text("")
    (node.folder / "epmd-port").write_text(str(node.epmd_port))


def _formation(cluster: ClusterConfig) -> list[str]:
    key = "cluster_formation"
    names = (name_of(folder.resolve()) for folder in cluster.folders)
    return [
        f"{key}.peer_discovery_backend = classic_config",
        *(f"{key}.classic_config.nodes.{number} = {name}" for number, name in enumerate(names, start=1)),
    ]


def name_of(folder: Path) -> str:
    """Returns the name of the node of a folder. The data belongs to a name, so it must not change between starts."""
    return f"herald-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}@localhost"


def environment(node: Node) -> dict[str, str]:
    """Returns the environment of the node, and of the commands that connect to it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))}
    return inherited | {
        # Erlang keeps its cookie in the home folder, so a private home makes a private cookie.
        "HOME": str(node.folder),
        "RABBITMQ_NODENAME": name_of(node.folder),
        "RABBITMQ_CONF_ENV_FILE": str(node.folder / "environment"),
        "RABBITMQ_CONFIG_FILE": str(node.folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(node.folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(node.folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(node.folder / "data"),
        "RABBITMQ_LOG_BASE": str(node.folder / "logs"),
        "RABBITMQ_DIST_PORT": str(node.distribution_port),
        # Without input the script replaces itself by the node, which then receives the signals directly.
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_PORT": str(node.epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP": str(node.folder / "erl_crash.dump"),
    }


async def _until_ready(node: Node, server: child.RestartingProcess) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while not await answers(node.url):
        if server.starts > MAX_STARTS or asyncio.get_running_loop().time() > deadline:
            raise Failure(f"RabbitMQ did not start: see {node.log}:\n{child.read_log_tail(node.log)}")
        await asyncio.sleep(0.2)


def _last_epmd_port(node: Node) -> int | None:
    """Returns the port of the name server of the node's last run."""
    file = node.folder / "epmd-port"
    return int(file.read_text()) if file.exists() else None


async def end_epmd(port: int | None) -> None:
    """Ends the name server that a node started. It keeps running after its node has ended."""
    program = shutil.which("epmd")
    if port is None or program is None:
        return
    environment = {**os.environ, "ERL_EPMD_PORT": str(port)}
    process = await child.start([program, "-kill"], output=DEVNULL, env=environment)
    await child.finish(process, seconds=5)
