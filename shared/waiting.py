"""Waiting with backoff for a part that is away, without outliving a request to stop."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Stopped(Exception):
    """The process was asked to stop while it waited for something."""


class Backoff:
    """Growing pauses with jitter, in seconds: from 0.2 to 5."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE

    def reset(self) -> None:
        self._pause = FIRST_PAUSE

    def next(self) -> float:
        pause, self._pause = self._pause, min(self._pause * 1.7, LONGEST_PAUSE)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311


async def sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleeps, but no longer than until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    outages: tuple[type[BaseException], ...],
    on_wait: Callable[[BaseException], None],
    stop: asyncio.Event,
) -> T:
    """Calls `attempt` until it raises none of `outages`. Raises Stopped when `stop` is set first."""
    backoff = Backoff()
    while not stop.is_set():
        try:
            return await attempt()
        except outages as error:
            on_wait(error)
        await sleep_unless(stop, backoff.next())
    raise Stopped
