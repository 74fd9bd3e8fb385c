"""Runs the `herald` command as a process, with its output and its exit code."""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.native import child
from tests.support.forking import forks

SECONDS = 120
KILL: Sequence[child.Step] = [(signal.SIGKILL, 5)]
# These start processes of their own; they are run as a user runs them.
STARTERS = (("up",), ("demo",), ("bench",))


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int | None
    out: str
    err: str


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of a command: `env`, and no other HERALD_ variable."""
    # Wide enough that tables break no value.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HERALD_")}
    return clean | {"COLUMNS": "200", "PYTHONPATH": os.getcwd()} | dict(env)


async def herald(*arguments: str, env: Mapping[str, str] | None = None, folder: Path | None = None) -> CommandResult:
    """Runs a command until it ends, with `folder` as its working directory."""
    if arguments[:1] in STARTERS or not forks.can_fork(env or {}):
        return await _run(arguments, environment(env or {}), folder)
    with tempfile.TemporaryDirectory() as written:
        out, err = Path(written, "out"), Path(written, "err")
        process = forks.fork(arguments, env=environment(env or {}), out=out, err=err, folder=folder)
        try:
            async with asyncio.timeout(SECONDS):
                await process.wait()
        finally:
            await child.stop(process, KILL)
        return CommandResult(process.returncode, out.read_text(), err.read_text())


async def _run(arguments: Sequence[str], env: Mapping[str, str], folder: Path | None) -> CommandResult:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", *arguments, env=env, cwd=folder, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
    finally:
        await child.stop(process, KILL)
    return CommandResult(process.returncode, out.decode(), err.decode())


@dataclass
class RunningCommand:
    """A command that keeps running; `text` is its output so far."""

    process: Process
    text: str = ""

    async def until(self, words: str) -> None:
        """Reads the output until it contains `words`. Raises AssertionError when the command ends before."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while words not in self.text:
                line = await self.process.stdout.readline()
                assert line, f"{words!r} is not in the output:\n{self.text}"
                self.text += line.decode()

    async def end(self, number: signal.Signals) -> int:
        """Sends a signal, reads the rest of the output, and returns the exit code."""
        assert self.process.stdout is not None
        self.process.send_signal(number)
        async with asyncio.timeout(SECONDS):
            self.text += (await self.process.stdout.read()).decode()
            return await self.process.wait()


@asynccontextmanager
async def running(*arguments: str, env: Mapping[str, str], folder: Path) -> AsyncIterator[RunningCommand]:
    """Runs a command until the end of the block, unless it is ended before."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # The tests run in the background of a script, which the command would inherit: Ctrl-C would do nothing.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", *arguments, env=environment(env), cwd=folder, stdout=PIPE, stderr=STDOUT
    )
    try:
        yield RunningCommand(process)
    finally:
        await child.stop(process, [(signal.SIGTERM, 30), (signal.SIGKILL, 5)])
