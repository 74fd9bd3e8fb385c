"""Measures the processor time and the WAL of a stack, by process, with its RabbitMQ and its PostgreSQL."""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from bench import process_tree
from cli.stack.launch import RunningStack

BROKER, DATABASE, SANDBOX = "RabbitMQ", "PostgreSQL", "sandbox"
AMQP_PORT = 5672
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class StackReading:
    """Seconds of processor time by process since its start, and the bytes of WAL that the database has written."""

    seconds: Mapping[str, float]
    wal_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCost:
    """What a message costs: µs of processor time by process, None where a process runs elsewhere, and bytes of WAL.

    `total_us` is without the sandbox, and None where a part of it is unknown. `bare_us` is the processor time of a
    request of the bare client in the same run, and `bare_requests` how many of those a message costs.
    """

    by_process_us: dict[str, float | None]
    total_us: float | None
    wal_bytes: float
    bare_us: float
    bare_requests: float | None


class StackMeter:
    """Reads the processor time of the processes of a stack.

    That of a PostgreSQL or a RabbitMQ that others use, too, includes their work.
    """

    def __init__(self, connection: asyncpg.Connection, pids: dict[str, int | None]) -> None:
        self._connection = connection
        self._pids = pids

    @property
    def elsewhere(self) -> list[str]:
        """The services that do not run on this machine, or not where this process can see them."""
        return [name for name, pid in self._pids.items() if pid is None]

    async def read(self) -> StackReading:
        """Reads the counters of all processes."""
        processes = await asyncio.to_thread(process_tree.read_processes)
        seconds = {
            name: process_tree.tree_seconds([pid], processes) for name, pid in self._pids.items() if pid is not None
        }
        wal: int = await self._connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
        return StackReading(seconds, wal)


async def meter(stack: RunningStack, connection: asyncpg.Connection) -> StackMeter:
    """Finds the processes of a stack."""
    pids: dict[str, int | None] = dict(stack.supervisor.pids)
    pids[BROKER] = await asyncio.to_thread(_find_broker, stack.broker_url.split(",")[0])
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    database = await connection.fetchval("SELECT current_database()")
    pids[DATABASE] = await asyncio.to_thread(process_tree.find_postmaster, backend, database)
    return StackMeter(connection, pids)


def _find_broker(url: str) -> int | None:
    parts = urlsplit(url)
    if not _is_here(parts.hostname or "localhost"):
        return None
    pid = process_tree.find_listener(parts.port or AMQP_PORT)
    # Docker listens for the ports of its containers.
    found = process_tree.read_processes().get(pid) if pid is not None else None
    return pid if found is not None and found.name.startswith("beam") else None


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(socket.gethostbyname(host)).is_loopback
    except OSError:
        return False


def cost(before: StackReading, after: StackReading, messages: int, bare_us: float, elsewhere: list[str]) -> MessageCost:
    """Computes the cost of each of `messages` from two readings."""
    by_process: dict[str, float | None] = {
        name: round((seconds - before.seconds.get(name, 0.0)) * MICROSECONDS / messages, 1)
        for name, seconds in after.seconds.items()
    }
    known = [used for name, used in by_process.items() if name != SANDBOX and used is not None]
    total = None if elsewhere else round(sum(known), 1)
    return MessageCost(
        by_process_us=by_process | dict.fromkeys(elsewhere),
        total_us=total,
        wal_bytes=round((after.wal_bytes - before.wal_bytes) / messages, 1),
        bare_us=round(bare_us, 1),
        bare_requests=round(total / bare_us, 2) if total is not None and bare_us else None,
    )
