"""Wires the sandbox: the stand-in provider, with faults on demand and a ledger of what it accepted."""

import asyncio
import sys

from services.sandbox.app import serve
from services.sandbox.settings import SandboxSettings
from shared import logs, process
from shared.health import Health
from shared.metrics import new_registry
from shared.ops import serve_ops


async def main(config: SandboxSettings, stop: asyncio.Event) -> None:
    async with (
        serve_ops(config.ops_host, config.ops_port, Health(), new_registry()),
        serve(config) as ports,
    ):
        logs.get().info("sandbox open", host=config.sandbox_host, port=ports.send, control_port=ports.control)
        await stop.wait()


def run() -> int:
    return process.run("sandbox", SandboxSettings, main)


if __name__ == "__main__":
    sys.exit(run())
