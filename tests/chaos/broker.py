"""What can be done to a RabbitMQ node of one's own, and a cluster of three of them."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.native.ports import free_port
from cli.native.rabbitmq import ClusterConfig, Node, end_epmd, environment, find_script, serve

CONTROL_SECONDS = 60
CLUSTER_SIZE = 3


@contextlib.asynccontextmanager
async def open_cluster(folder: Path) -> AsyncIterator[tuple[Node, ...]]:
    """Runs three nodes that form a cluster while the block runs. Whichever is killed is started again."""
    script = find_script()
    if script is None:
        pytest.skip("rabbitmq-server is not installed")
    folders = tuple(folder / f"node-{number}" for number in range(1, CLUSTER_SIZE + 1))
    family = ClusterConfig(folders, free_port(), secrets.token_hex(16))
    async with contextlib.AsyncExitStack() as opened:
        opened.push_async_callback(end_epmd, family.epmd_port)
        starting = (
            opened.enter_async_context(serve(each, script, usual_ports=False, family=family)) for each in folders
        )
        yield tuple(await asyncio.gather(*starting))


async def is_critical(node: Node) -> bool:
    """Returns whether a queue would lose its majority with this node."""
    process = await asyncio.create_subprocess_exec(
        node.script.with_name("rabbitmq-diagnostics"),
        "check_if_node_is_quorum_critical",
        env=environment(node),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(CONTROL_SECONDS):
        return await process.wait() != 0


async def count_members(node: Node) -> dict[str, int]:
    """Say of each queue on how many nodes it is."""
    text = await control(node, "list_queues", "--silent", "name", "members")
    rows = (line.split("\t") for line in text.splitlines() if "\t" in line)
    return {name: members.count("@") for name, members in rows}


async def control(node: Node, *arguments: str) -> str:
    """Runs rabbitmqctl against the node, and returns what it says."""
    process = await asyncio.create_subprocess_exec(
        node.script.with_name("rabbitmqctl"),
        *arguments,
        env=environment(node),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(CONTROL_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def send(node: Node, number: signal.Signals) -> None:
    """Sends a signal to the node's Erlang machine. Once it has ended, what keeps the node starts it again."""
    found = subprocess.run(["pgrep", "-f", f"beam.*{node.folder}"], capture_output=True, text=True, check=True)
    for pid in found.stdout.split():
        os.kill(int(pid), number)


def wipe(node: Node) -> None:
    """Kills the node, and takes its data away before it is started again."""
    send(node, signal.SIGSTOP)
    (node.folder / "data").rename(node.folder / "lost")
    send(node, signal.SIGKILL)
