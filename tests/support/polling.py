"""Waits for a condition that can only be seen by asking."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(check: Callable[[], Awaitable[bool]], seconds: float, what: str = "the condition") -> None:
    """Calls `check` until it returns True. Raises AssertionError after `seconds`, with `what` as its text."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await check():
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.05)
