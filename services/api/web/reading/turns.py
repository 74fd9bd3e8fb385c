"""Lets long work share the event loop: it takes short turns, one at a time, and rests while others have work.

A request passes the event loop some ten times until it is answered, and may meet a turn each time. So a turn is short,
and behind it the loop is left to everybody else until they are answered, or for a few times as long as the turn took.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from aiohttp import web

TURN_SECONDS = 0.002
# Beside busy others, long work gets one part of the time in ten.
REST_TURNS = 9
# A pass of the loop that takes no longer had nothing to do.
IDLE_SECONDS = 0.0002
# Between two looks at requests that wait for the database, which needs the processor too.
PAUSE_SECONDS = 0.001


class Turns:
    """The queue of long works in a process. `others` returns whether requests are at work that are no long works."""

    def __init__(self, others: Callable[[], bool] = lambda: False) -> None:
        self._lock = asyncio.Lock()
        self._others = others

    async def run(self, steps: Iterable[object]) -> None:
        """Runs an iterable to its end, as many steps in a turn as fit. A step must take much less than a turn."""
        left, done = iter(steps), False
        while not done:
            # Held while resting, so that all works together take one turn at a time.
            async with self._lock:
                begun = time.perf_counter()
                done = _take_turn(left, begun + TURN_SECONDS)
                await self._rest((time.perf_counter() - begun) * REST_TURNS)

    async def _rest(self, seconds: float) -> None:
        """Lets the loop serve others until they have nothing to do, at most for `seconds`, and at least once."""
        began, pause = time.perf_counter(), 0.0
        while True:
            passed = time.perf_counter()
            await asyncio.sleep(pause)
            now = time.perf_counter()
            idle = now - passed <= pause + IDLE_SECONDS
            if now - began >= seconds or (idle and not self._others()):
                return
            pause = PAUSE_SECONDS if idle else 0.0


def _take_turn(left: Iterator[object], until: float) -> bool:
    """Runs steps until the turn is over. Returns whether none is left."""
    return all(time.perf_counter() < until for _ in left)


TURNS = web.AppKey("turns", Turns)
