"""Lets a pool give out its connections in turn. asyncpg gives out the one that was used last, so that most are cold.

A cold connection costs the request that gets it: PostgreSQL and asyncpg prepare each statement anew, which takes ten
times as long as running it.
"""

import asyncio
from typing import Any

import asyncpg
from asyncpg import pool as asyncpg_pool

_Queue: Any = asyncpg_pool._PoolConnectionHolderQueue  # type: ignore[attr-defined]


class _InTurn(_Queue):  # type: ignore[misc]
    """The queue of a pool, from which the open connection that rested longest is taken."""

    def _get(self) -> Any:
        place = next((place for place, holder in enumerate(self._queue) if holder.is_connected()), 0)
        return self._queue.pop(place)


def use_in_turn(pool: asyncpg.Pool) -> None:
    """Replaces the queue of a pool of which nobody has a connection yet."""
    held: Any = pool
    in_turn: asyncio.Queue[Any] = _InTurn(maxsize=pool.get_max_size())
    while not held._queue.empty():
        in_turn.put_nowait(held._queue.get_nowait())
    held._queue = in_turn
