"""Processor time is read from /proc for whole trees of processes, which are found by their port or their connection."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.process_tree import (
    ProcessStat,
    find_listener,
    find_postmaster,
    parse_listeners,
    parse_stat,
    read_processes,
    tree_seconds,
)

TICKS = os.sysconf("SC_CLK_TCK")
# The pid, the name, the state and the parent; then what is not read, up to utime, stime, cutime and cstime.
STAT = "42 ({name}) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 100 1000 10 18446744073709551615"
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000
   1: 0100007F:1538 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000
"""


@pytest.mark.parametrize("name", ["python", "a name", "tricky) S 1 (", ""])
def test_a_process_is_parsed_whatever_its_name_is(name: str) -> None:
    assert parse_stat(STAT.format(name=name)) == ProcessStat(42, 7, name, 100)


def test_a_tree_has_all_descendants_and_nobody_else() -> None:
    rows = [(1, 0, 100), (2, 1, 10), (3, 2, 1), (4, 1, 20), (5, 9, 1000)]
    processes = {pid: ProcessStat(pid, parent, "p", ticks * TICKS) for pid, parent, ticks in rows}
    assert tree_seconds([1], processes) == 131
    assert tree_seconds([2, 5], processes) == 1011
    assert tree_seconds([77], processes) == 0


def test_only_sockets_that_listen_are_found() -> None:
    assert parse_listeners(TCP) == {5432: "4711"}


def test_a_listener_is_found_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert find_listener(listening.getsockname()[1]) == os.getpid()
    assert find_listener(1) is None


def test_the_time_of_a_child_that_has_ended_counts() -> None:
    before = tree_seconds([os.getpid()], read_processes())
    subprocess.run([sys.executable, "-c", "while __import__('time').process_time() < 0.3: pass"], check=True)
    assert tree_seconds([os.getpid()], read_processes()) - before >= 0.25


def test_a_process_that_is_read_is_the_one_that_runs() -> None:
    found = read_processes()[os.getpid()]
    assert found.parent == os.getppid()
    assert found.ticks / TICKS <= time.process_time() + 600


@pytest.mark.parametrize(
    ("title", "found"),
    [
        (b"postgres: herald herald_bench 127.0.0.1(4711) idle\0", 7),
        (b"postgres: herald other 127.0.0.1(4711) idle\0", None),
        (b"python\0herald_bench\0", None),
    ],
)
def test_a_postmaster_is_the_parent_of_a_backend_of_this_database(
    tmp_path: Path, title: bytes, found: int | None
) -> None:
    (tmp_path / "42").mkdir()
    (tmp_path / "42" / "cmdline").write_bytes(title)
    (tmp_path / "42" / "stat").write_text(STAT.format(name="postgres"))
    assert find_postmaster(42, "herald_bench", tmp_path) == found


def test_a_backend_on_another_machine_is_not_found(tmp_path: Path) -> None:
    assert find_postmaster(42, "herald_bench", tmp_path) is None
