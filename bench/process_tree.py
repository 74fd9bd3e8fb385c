"""Finds processes in /proc, and reads how much processor time they have used with all their descendants."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """What /proc/PID/stat holds of a process. `ticks` is its processor time, with that of children that have ended."""

    pid: int
    parent: int
    name: str
    ticks: int


def parse_stat(text: str) -> ProcessStat:
    """Parses /proc/PID/stat. The name may hold blanks and brackets."""
    head, _, rest = text.rpartition(")")
    pid, _, name = head.partition(" (")
    fields = rest.split()
    return ProcessStat(int(pid), int(fields[1]), name, sum(int(field) for field in fields[11:15]))


def read_processes(proc: Path = PROC) -> dict[int, ProcessStat]:
    """Reads all processes of this machine. Those that end meanwhile are left out."""
    found = {}
    for folder in proc.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                stat = parse_stat((folder / "stat").read_text())
                found[stat.pid] = stat
    return found


def tree_seconds(roots: Iterable[int], processes: Mapping[int, ProcessStat]) -> float:
    """Returns the processor time of processes and all their descendants, in seconds.

    A descendant that ends between two readings is counted by the parent that waits for it.
    """
    children: dict[int, list[int]] = defaultdict(list)
    for stat in processes.values():
        children[stat.parent].append(stat.pid)
    waiting, ticks = [root for root in roots if root in processes], 0
    while waiting:
        pid = waiting.pop()
        ticks += processes[pid].ticks
        waiting += children[pid]
    return ticks / os.sysconf("SC_CLK_TCK")


def parse_listeners(text: str) -> dict[int, str]:
    """Parses /proc/net/tcp or tcp6. Returns the inode of the socket that listens, by port."""
    rows = (line.split() for line in text.splitlines()[1:])
    return {int(row[1].rpartition(":")[2], 16): row[9] for row in rows if row[3] == LISTENING}


def find_listener(port: int, proc: Path = PROC) -> int | None:
    """Returns the process that listens on a TCP port of this machine, or None if it is not to be seen."""
    inodes = {}
    for table in ("net/tcp6", "net/tcp"):
        with suppress(OSError):
            inodes.update(parse_listeners((proc / table).read_text()))
    wanted = f"socket:[{inodes.get(port)}]"
    for folder in sorted(proc.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        with suppress(OSError):
            for descriptor in (folder / "fd").iterdir():
                with suppress(OSError):
                    if os.readlink(descriptor) == wanted:
                        return int(folder.name)
    return None


def find_postmaster(backend: int, database: str, proc: Path = PROC) -> int | None:
    """Returns the parent of a PostgreSQL backend, or None if the backend runs on another machine or in a container.

    The title of a backend names its database, so that a foreign process with the same number is not taken for it.
    """
    try:
        title = (proc / str(backend) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        parent = parse_stat((proc / str(backend) / "stat").read_text()).parent
    except OSError:
        return None
    return parent if "postgres" in title and f" {database} " in f"{title} " else None
