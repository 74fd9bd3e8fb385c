"""The loop of an endless task, which outlives outages of the database."""

import asyncio
from collections.abc import Awaitable, Callable

from shared import logs
from shared.database import COLLISIONS, DATABASE_OUTAGES, describe
from shared.health import Pulse
from shared.waiting import Backoff

log = logs.get()


async def repeat(name: str, work: Callable[[], Awaitable[float]], wake: asyncio.Event, pulse: Pulse) -> None:
    """Runs `work` again and again, after the seconds that it returns, or at once when `wake` is set.

    `pulse` beats at each run. An outage of the database is waited out; any other error is raised.
    """
    backoff, repeats = Backoff(), logs.RepeatedCauses()
    while True:
        wake.clear()
        pulse.beat()
        try:
            pause = await work()
            backoff.reset()
            repeats.forget()
        except (*DATABASE_OUTAGES, *COLLISIONS) as error:
            if times := repeats.count(describe(error)):
                log.warning("planner task delayed", task=name, detail=describe(error), times=times)
            await asyncio.sleep(backoff.next())
            continue
        try:
            async with asyncio.timeout(pause):
                await wake.wait()
        except TimeoutError:
            continue
