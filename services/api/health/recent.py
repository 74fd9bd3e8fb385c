"""Keeps an answer for a moment, so that its cost does not grow with the number of those who ask."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")


class Recent(Generic[ValueT]):
    """What `read` returned, for so many seconds. Those who ask meanwhile wait for one reading, and share it."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: tuple[float, ValueT] | None = None

    async def get(self, read: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """Returns what is kept, or what `read` returns. Passes on what it raises, and keeps nothing then."""
        async with self._lock:
            if self._kept is None or self._clock() - self._kept[0] >= self._seconds:
                self._kept = None
                value = await read()
                self._kept = (self._clock(), value)
            return self._kept[1]
