"""Memory and processor time of processes, as Linux keeps them."""

import asyncio
import os
from pathlib import Path
from typing import Self

SAMPLE_SECONDS = 0.02


def peak_rss(pid: int) -> float:
    """Returns the largest resident set of a process so far, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def cpu_seconds(pid: int) -> float:
    """Returns the processor time that a process has used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """Returns how long a process could have run and had no processor, in seconds; 0 where the kernel does not say."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def rss(pid: int) -> float:
    """Returns the resident set of a process at this moment, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


class MemoryGrowth:
    """How much a process grows while the block runs, at its largest, in MB."""

    def __init__(self, pid: int) -> None:
        self._pid, self._before = pid, rss(pid)
        self._largest = self._before
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    @property
    def megabytes(self) -> float:
        return round(self._largest - self._before, 1)

    async def _sample(self) -> None:
        while True:
            self._largest = max(self._largest, rss(self._pid))
            await asyncio.sleep(SAMPLE_SECONDS)
