"""Child processes that do not receive the terminal's Ctrl-C, and do not outlive their parent."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

LAUNCHER = Path(__file__).with_name("launcher.py")

# A signal, and the seconds that a process then has before the next signal.
Step = tuple[signal.Signals, float]
RESTART_SECONDS = 1
STOP_STEPS: tuple[Step, ...] = ((signal.SIGTERM, 30), (signal.SIGKILL, 5))


class Child(Protocol):
    """A started process, as asyncio describes it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...

    async def wait(self) -> int: ...


async def start(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> Process:
    """Starts a command in a session of its own, with standard error redirected to `output`, too.

    The command gets `death_signal` when the calling thread ends, so the caller must be a thread that lasts. `user`
    is the user that runs it; only root can set it.
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


async def stop(process: Child, steps: Sequence[Step] = STOP_STEPS) -> int:
    """Sends the signals of `steps` in turn until the process has ended, and returns its exit code."""
    for number, seconds in steps:
        if process.returncode is not None:
            break
        _send(process, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await process.wait()
    return await process.wait()


class RestartingProcess:
    """Runs a process while the block runs, and starts it again whenever it ends."""

    def __init__(self, launch: Callable[[], Awaitable[Process]], steps: Sequence[Step]) -> None:
        self._launch = launch
        self._steps = steps
        self.starts = 0

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    async def __aenter__(self) -> Self:
        await self._start()
        self._watch = asyncio.create_task(self._restart())
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

    async def _restart(self) -> None:
        while True:
            await self.process.wait()
            await asyncio.sleep(RESTART_SECONDS)
            await self._start()


async def finish(process: Child, seconds: float) -> int:
    """Waits until a process ends by itself, and stops it if that takes longer than `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
    return await stop(process)


def _send(process: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            # A killed process cannot end its own child processes, which are in its process group.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def read_log_tail(log: Path, count: int = 15) -> str:
    """Returns the last lines of a log file for an error message, or nothing if the file does not exist."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
