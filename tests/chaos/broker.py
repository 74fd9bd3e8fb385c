"""What can be done to a RabbitMQ node of one's own."""

import asyncio
import os
import signal
import subprocess

from cli.native.rabbitmq import Node, environment

CONTROL_SECONDS = 60


async def control(node: Node, *arguments: str) -> str:
    """Run rabbitmqctl against the node, and return what it says."""
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
    """Send a signal to the node's Erlang machine. Once it has ended, what keeps the node starts it again."""
    found = subprocess.run(["pgrep", "-f", f"beam.*{node.folder}"], capture_output=True, text=True, check=True)
    for pid in found.stdout.split():
        os.kill(int(pid), number)


def wipe(node: Node) -> None:
    """Kill the node, and take its data away before it is started again."""
    send(node, signal.SIGSTOP)
    (node.folder / "data").rename(node.folder / "lost")
    send(node, signal.SIGKILL)
