"""Child processes that neither see the terminal's Ctrl-C nor outlive the process that started them."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

LAUNCHER = Path(__file__).with_name("launcher.py")

# A signal, and how many seconds a process then has before the next one.
Step = tuple[signal.Signals, float]
RESTART_SECONDS = 1
GENTLY: tuple[Step, ...] = ((signal.SIGTERM, 30), (signal.SIGKILL, 5))


async def start(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> Process:
    """Starts a command in a session of its own, with standard error joined to standard output.

    It gets `death_signal` when the calling thread ends, so this must be called from a thread that lasts. `user`
    is somebody to become, for root only.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        str(LAUNCHER),
        str(os.getpid()),
        str(int(death_signal)),
        user or "",
        *(str(part) for part in command),
        env=None if env is None else dict(env),
        stdin=DEVNULL,
        stdout=output,
        stderr=STDOUT,
        start_new_session=True,
    )


async def stop(process: Process, steps: Sequence[Step] = GENTLY) -> int:
    """Sends each signal in turn until the process has ended, and returns its exit code."""
    for number, seconds in steps:
        if process.returncode is not None:
            break
        _send(process, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await process.wait()
    return await process.wait()


class RestartingProcess:
    """Keeps one process running for the time of a block: starts it again whenever it ends."""

    def __init__(self, launch: Callable[[], Awaitable[Process]], steps: Sequence[Step]) -> None:
        self._launch, self._steps = launch, steps
        self.starts = 0

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    async def __aenter__(self) -> Self:
        await self._start()
        self._watch = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.cancel()
        await asyncio.wait((self._watch,))
        await stop(self.process, self._steps)

    async def _start(self) -> None:
        self.process = await self._launch()
        self.starts += 1

    async def _keep(self) -> None:
        while True:
            await self.process.wait()
            await asyncio.sleep(RESTART_SECONDS)
            await self._start()


async def finish(process: Process, seconds: float) -> int:
    """Waits for a process to end by itself, and stops it when it takes longer than `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
    return await stop(process)


def _send(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            # Its helpers are in its session; nobody else is left to end them.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def read_log_tail(log: Path, count: int = 15) -> str:
    """Reads the end of a log for an error message; a missing log reads as nothing."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
