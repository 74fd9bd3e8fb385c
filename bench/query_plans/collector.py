"""Collects the plans of the statements that a function sends."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

MILLION = 1_000_000
# A plan node in the output of EXPLAIN: its kind, the index that it reads, and the table.
_NODE = re.compile(
    r"(Seq Scan|Index Only Scan|Index Scan|Bitmap Heap Scan|Tid Scan)(?: Backward)?(?: using (\w+))? on (\w+)"
)
_TIME = re.compile(r"duration: ([\d.]+) ms")


class PlanCollector:
    """Collects the plans that auto_explain logs for each call."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._plans: list[str] = []
        connection.add_log_listener(lambda _, message: self._plans.append(str(message)))

    async def call(self, name: str, work: Callable[[], Awaitable[Any]]) -> str:
        """Calls `work` twice, first to warm the caches, and returns the Markdown row of the second call."""
        await work()
        await asyncio.sleep(0)
        self._plans.clear()
        await work()
        await asyncio.sleep(0)
        text = "\n".join(self._plans)
        nodes = sorted(
            {f"{table}: {kind}{f' ({index})' if index else ''}" for kind, index, table in _NODE.findall(text)}
        )
        spent = sum(float(found) for found in _TIME.findall(text))
        return f"| {name} | {spent:.1f} | {'; '.join(nodes)} |"


async def explain(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on;"
        " SET auto_explain.log_nested_statements = on; SET auto_explain.log_timing = off;"
        " SET client_min_messages = log; SET jit = off"
    )


class SingleConnectionPool:
    """A pool of one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def acquire(self) -> "SingleConnectionPool":
        return self

    async def __aenter__(self) -> asyncpg.Connection:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        return None
