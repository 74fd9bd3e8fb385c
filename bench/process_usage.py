"""Reads the memory and the CPU time of processes from /proc."""

import asyncio
import os
from pathlib import Path
from typing import Self

SAMPLE_SECONDS = 0.02


def peak_rss(pid: int) -> float:
    """Returns the peak resident set of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """Returns how long a process waited for a CPU, in seconds, or 0 if the kernel does not record it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def rss(pid: int) -> float:
    """Returns the present resident set of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


class MemoryGrowth:
    """Measures by how many MB a process grows at most while the block runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = rss(pid)
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
