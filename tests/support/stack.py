"""Runs Herald's processes for end-to-end tests."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from cli.native import child
from tests.support.forking import forks
from tests.support.ports import take_ports

READY_SECONDS = 60
ADMIN_TOKEN = "test-admin-token"
SECRET = "test-sandbox-secret-of-32-characters"
MOST_PROCESSES = 20
ALL = ("sandbox", "api", "planner", "dispatcher", "reporter")


class NotReady(Exception):
    """A process ended, or did not become ready in time. The message holds the end of its log."""


class StackProcess:
    """A process that can be killed and started again with the same settings."""

    def __init__(self, name: str, command: str, env: dict[str, str], folder: Path, probe: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.probe = probe
        self._command = command
        self._env = env
        self._process: child.Child | None = None

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def returncode(self) -> int | None:
        return self._running().returncode

    async def start(self, env: Mapping[str, str] | None = None) -> None:
        """Starts the process and waits until it is ready. `env` changes its settings permanently."""
        self._env |= env or {}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HERALD_")}
        if forks.can_fork(self._env):
            self._process = forks.fork([self._command], env=inherited | self._env, out=self.log)
        else:
            with self.log.open("ab") as output:
                command = [sys.executable, "-m", "cli.main", self._command]
                self._process = await child.start(command, output=output, env=inherited | self._env)
        await self._until_ready()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to the process."""
        self._running().send_signal(number)

    async def wait(self) -> int:
        """Waits until the process ends, and returns its exit code, which is negative if a signal ended it."""
        return await self._running().wait()

    async def stop(self) -> int:
        """Stops the process with SIGTERM, and returns its exit code."""
        return await child.stop(self._running())

    async def restart(self, env: Mapping[str, str] | None = None) -> None:
        """Kills the process if it runs, and starts it again."""
        await self.end()
        await self.start(env)

    async def end(self) -> None:
        """Kills the process if it was started."""
        if self._process is not None:
            await child.stop(self._process, [(signal.SIGKILL, 5)])

    def _running(self) -> child.Child:
        if self._process is None:
            raise NotReady(f"{self.name} was never started")
        return self._process

    async def _until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        async with aiohttp.ClientSession() as session:
            while not await _answers(session, self.probe):
                ended = self.returncode is not None
                if ended or asyncio.get_running_loop().time() > deadline:
                    raise NotReady(f"{self.name} {'ended' if ended else 'is not ready'}:\n{self.text()[-4000:]}")
                await asyncio.sleep(0.05)

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=2)) as reply:
            return reply.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


class Stack:
    """Processes on free ports that share a database, a virtual host and a sandbox.

    `start("dispatcher", "dispatcher-2")` starts two of a kind. `api` is a session with an admin token, and `sandbox`
    one without. All processes are killed at the end of the block.
    """

    def __init__(self, folder: Path, database_url: str, broker_url: str, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._processes: dict[str, StackProcess] = {}
        first = take_ports(2 + MOST_PROCESSES)
        self.api_port = first
        self._sandbox_port = first + 1
        self._ops_ports = iter(range(first + 2, first + 2 + MOST_PROCESSES))
        self.api_url = f"http://127.0.0.1:{self.api_port}"
        self.sandbox_url = f"http://127.0.0.1:{self._sandbox_port}"
        self._env = self._settings(database_url, broker_url) | dict(env)

    def _settings(self, database_url: str, broker_url: str) -> dict[str, str]:
        from services.sandbox.token import make_token

        return {
            "HERALD_DATABASE_URL": database_url,
            "HERALD_RABBITMQ_URL": broker_url,
            "HERALD_ADMIN_TOKEN": ADMIN_TOKEN,
            "HERALD_API_PORT": str(self.api_port),
            "HERALD_SANDBOX_PORT": str(self._sandbox_port),
            "HERALD_SANDBOX_SECRET": SECRET,
            "HERALD_PROVIDER_URL": f"{self.sandbox_url}/v1",
            "HERALD_PROVIDER_TOKEN": make_token(SECRET),
            # Tests send requests as fast as they can.
            "HERALD_API_RATE": "unlimited",
        }

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        self.api = aiohttp.ClientSession(self.api_url, headers=headers, timeout=aiohttp.ClientTimeout(total=30))
        self.sandbox = aiohttp.ClientSession(self.sandbox_url, timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(process.end() for process in self._processes.values()))
        await self.api.close()
        await self.sandbox.close()

    async def start(self, *names: str, env: Mapping[str, str] | None = None) -> None:
        """Starts the named processes, or one of each kind, and waits until they are ready."""
        await asyncio.gather(*(self._start(name, env or {}) for name in names or ALL))

    async def _start(self, name: str, env: Mapping[str, str]) -> None:
        command, port = name.partition("-")[0], next(self._ops_ports)
        probe = f"{self.sandbox_url}/faults" if command == "sandbox" else f"http://127.0.0.1:{port}/readyz"
        settings = self._env | {"HERALD_OPS_PORT": str(port)} | dict(env)
        process = StackProcess(name, command, settings, self._folder, probe)
        self._processes[name] = process
        await process.start()

    def has_process(self, name: str) -> bool:
        """Returns whether a process of this name was started, even if it is not ready."""
        return name in self._processes

    def process(self, name: str) -> StackProcess:
        return self._processes[name]

    def pids(self) -> dict[str, int]:
        """Returns the ids of the running processes by name."""
        running = {name: process for name, process in self._processes.items() if process.returncode is None}
        return {name: process.pid for name, process in running.items()}

    def logs(self) -> list[tuple[str, str]]:
        """Returns the end of the log of each process for the report of a failed test."""
        return [(f"log of {name}", process.text()[-8000:]) for name, process in self._processes.items()]
