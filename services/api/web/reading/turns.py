"""Lets long work share the event loop: it takes turns of a few milliseconds, of which one runs at a time."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from aiohttp import web

TURN_SECONDS = 0.01
# Reading the clock after each step would cost more than most steps.
STEPS_A_LOOK = 16


class Turns:
    """The queue of long works in a process. Between two turns, the loop serves everybody else."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def run(self, steps: Iterable[object]) -> None:
        """Runs an iterable to its end, as many steps in a turn as fit. A step must take much less than a turn."""
        left, done = iter(steps), False
        while not done:
            async with self._lock:
                done = _take_turn(left)
                # Held until the loop has served everybody else, so that the works together take one turn at a time.
                await asyncio.sleep(0)


def _take_turn(left: Iterator[object]) -> bool:
    """Runs steps until the turn is over. Returns whether none is left."""
    until = time.perf_counter() + TURN_SECONDS
    while time.perf_counter() < until:
        if len(list(islice(left, STEPS_A_LOOK))) < STEPS_A_LOOK:
            return True
    return False


TURNS = web.AppKey("turns", Turns)
