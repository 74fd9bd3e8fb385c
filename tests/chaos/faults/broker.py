"""Faults of a private RabbitMQ node, and a cluster of three nodes."""

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
from cli.native.rabbitmq import ClusterConfig, Node, answers, end_epmd, environment, find_script, serve
from tests.support.polling import until
from tests.support.services.run import is_alive

CONTROL_SECONDS = 60
BACK_SECONDS = 60
CLUSTER_SIZE = 3


@contextlib.asynccontextmanager
async def open_cluster(folder: Path) -> AsyncIterator[tuple[Node, ...]]:
    """Runs three nodes that form a cluster while the block runs. A killed node is started again."""
    script = find_script()
    if script is None:
        pytest.skip("rabbitmq-server is not installed")
    folders = tuple(folder / f"node-{number}" for number in range(1, CLUSTER_SIZE + 1))
    config = ClusterConfig(folders, free_port(), secrets.token_hex(16))
    async with contextlib.AsyncExitStack() as opened:
        opened.push_async_callback(end_epmd, config.epmd_port)
        starting = (
            opened.enter_async_context(serve(each, script, usual_ports=False, cluster=config)) for each in folders
        )
        yield tuple(await asyncio.gather(*starting))


async def is_quorum_critical(node: Node) -> bool:
    """Returns whether a queue would lose its majority without this node."""
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
    """Returns the number of nodes that hold each queue, by the queue's name."""
    text = await control(node, "list_queues", "--silent", "name", "members")
    rows = (line.split("\t") for line in text.splitlines() if "\t" in line)
    return {name: members.count("@") for name, members in rows}


async def control(node: Node, *arguments: str) -> str:
    """Runs rabbitmqctl against the node, and returns its output. Fails the test if rabbitmqctl fails."""
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


def send(node: Node, number: signal.Signals) -> list[int]:
    """Sends a signal to the Erlang machine of the node, and returns its process ids."""
    found = subprocess.run(["pgrep", "-f", f"beam.*{node.folder}"], capture_output=True, text=True, check=True)
    pids = [int(pid) for pid in found.stdout.split()]
    for pid in pids:
        os.kill(pid, number)
    return pids


async def until_restarted(node: Node, pids: list[int]) -> None:
    """Waits until the processes have ended, and the node that is started in their place answers."""

    async def ended() -> bool:
        return not any(is_alive(pid) for pid in pids)

    await until(ended, BACK_SECONDS, "the broker has ended")
    await until_answers(node)


async def until_answers(node: Node) -> None:
    async def answering() -> bool:
        return await answers(node.url)

    await until(answering, BACK_SECONDS, "the broker is back")


def wipe(node: Node) -> list[int]:
    """Kills the node and removes its data before it is started again. Returns the ids of the killed processes."""
    send(node, signal.SIGSTOP)
    (node.folder / "data").rename(node.folder / "lost")
    return send(node, signal.SIGKILL)
