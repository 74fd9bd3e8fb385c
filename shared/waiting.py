"""Waits that end when the process must stop: backoff, and retrying through outages."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Stopped(Exception):
    """A wait ended because the process must stop."""


def nameless(error: BaseException) -> str:
    """Returns what to call an error that has no text of its own."""
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__


class Backoff:
    """Growing pauses with jitter, in seconds: from 0.2 to 5."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE

    def reset(self) -> None:
        """Starts over with the first pause."""
        self._pause = FIRST_PAUSE

    def next(self) -> float:
        """Returns the next pause. Raises CancelledError in a task that is to end.

        Where cleaning up fails, as on a connection that was lost in the same moment, its error takes the place of the
        cancellation. A task that caught it as an outage would go on for ever.
        """
        current = _current_task()
        if current is not None and current.cancelling():
            raise asyncio.CancelledError
        pause, self._pause = self._pause, min(self._pause * 1.7, LONGEST_PAUSE)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs
        return None


async def sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleeps, but no longer than until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def retry_through_outages(
    attempt: Callable[[], Awaitable[T]],
    outages: tuple[type[BaseException], ...],
    on_outage: Callable[[BaseException], None],
    stop: asyncio.Event,
) -> T:
    """Calls `attempt` with growing pauses until it raises none of `outages`, and returns its value.

    `on_outage` gets each outage. Raises Stopped when `stop` is set first.
    """
    backoff = Backoff()
    while not stop.is_set():
        try:
            return await attempt()
        except outages as error:
            on_outage(error)
        await sleep_unless(stop, backoff.next())
    raise Stopped
