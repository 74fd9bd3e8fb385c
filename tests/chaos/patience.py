"""Asking a database that may just be coming back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.database import DATABASE_OUTAGES

T = TypeVar("T")
AGAIN_SECONDS = 0.2


async def patiently(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Does it again while the database is away, for so many seconds at most; then the outage is raised."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await work()
        except DATABASE_OUTAGES:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(AGAIN_SECONDS)
