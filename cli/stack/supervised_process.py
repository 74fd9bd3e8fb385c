"""Runs one process of a stack, restarts it when it crashes, and passes its output on."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import aiohttp

from cli.failure import Failure
from cli.native import child
from cli.stack.output import FileSink, LineSink, split_lines
from cli.stack.plan import ProcessSpec

# The exit code of a process with a wrong setting, which a restart would not change.
WRONG_SETTING = 2
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
# A process that ran this long is taken for healthy when it crashes.
HEALTHY_SECONDS = 30.0
_PROBE_TIMEOUT = aiohttp.ClientTimeout(total=2)


def next_pause(previous: float | None, lived: float) -> float:
    """Returns the seconds before a crashed process is restarted.

    `previous` is the pause before the last restart, and `lived` the seconds that the process then ran.
    """
    if previous is None or lived >= HEALTHY_SECONDS:
        return FIRST_PAUSE
    return min(previous * 2, LONGEST_PAUSE)


class SupervisedProcess:
    """A process that is kept running until `stop` is called."""

    def __init__(self, spec: ProcessSpec, sink: LineSink) -> None:
        self.spec = spec
        self._sink = sink
        self._stop = asyncio.Event()
        self._process: Process | None = None
        self._last_line = ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def supervise(self) -> None:
        """Runs the process until `stop`, and restarts it when it crashes. Raises Failure for a wrong setting."""
        pause: float | None = None
        clock = asyncio.get_running_loop().time
        while not self._stop.is_set():
            started = clock()
            code = await self._run()
            if self._stop.is_set():
                return
            if code == WRONG_SETTING:
                reason = self._last_line.removeprefix(f"herald {self.spec.command}: ")
                raise Failure(f"{self.spec.name} cannot run: {reason}", code=WRONG_SETTING)
            pause = next_pause(pause, clock() - started)
            self._sink("herald", f"{self.spec.name} ended with code {code}, starts again in {pause:g} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stop.wait()

    async def stop(self) -> None:
        """Stops the process in order, and prevents its restart."""
        self._stop.set()
        if self._process is not None:
            await child.stop(self._process)

    async def is_ready(self, session: aiohttp.ClientSession) -> bool:
        """Asks the readiness probe. A process without one is ready once it runs."""
        if not self.running or self.spec.probe is None:
            return self.running
        try:
            async with session.get(self.spec.probe, timeout=_PROBE_TIMEOUT) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _run(self) -> int:
        if isinstance(self._sink, FileSink):
            with self._sink.open(self.spec.name) as file:
                process = await self._start(file)
                code = await process.wait()
            self._last_line = self._sink.last_line(self.spec.name)
            return code
        process = await self._start(PIPE)
        if process.stdout is not None:
            async for line in split_lines(process.stdout):
                self._last_line = line
                self._sink(self.spec.name, line)
        return await process.wait()

    async def _start(self, output: BinaryIO | int) -> Process:
        command: list[str | Path] = [sys.executable, "-m", "cli.main", self.spec.command]
        if self.spec.checkout is not None:
            command = self.spec.checkout.command(self.spec.command)
        # If this process is killed, its children are killed too, which loses nothing.
        process = await child.start(command, output=output, env=self.spec.env, death_signal=signal.SIGKILL)
        self._process = process
        if self._stop.is_set():
            await child.stop(process)
        return process
