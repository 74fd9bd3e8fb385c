"""Retries a query while the database of an experiment is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.database import DATABASE_OUTAGES

T = TypeVar("T")
PAUSE_SECONDS = 0.2


async def retry_during_outage(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Calls `work` until it succeeds. Raises the outage when the database is still away after `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await work()
        except DATABASE_OUTAGES:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
