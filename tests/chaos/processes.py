"""What can be done to Herald's own processes."""

import asyncio
import signal

from tests.chaos.arena import Arena
from tests.chaos.patience import patiently

# A process that was killed without a word holds claims until it is missed.
EXIT_SECONDS = 25


async def kill(arena: Arena, name: str) -> None:
    """Kills a process with SIGKILL. What a dispatcher had in flight may be sent again."""
    process = arena.stack.process(name)
    process.kill(signal.SIGKILL)
    await process.wait()
    if name.startswith("dispatcher"):
        await patiently(arena.remember_held, EXIT_SECONDS)


async def kill_and_start(arena: Arena, name: str) -> None:
    await kill(arena, name)
    await arena.stack.process(name).start()


async def restart(arena: Arena, name: str) -> None:
    """Restarts a process as an operator does; it must end well and in time."""
    process = arena.stack.process(name)
    process.kill(signal.SIGTERM)
    try:
        async with asyncio.timeout(EXIT_SECONDS):
            code = await process.wait()
    except TimeoutError:
        arena.broken.append(f"{name} did not end within {EXIT_SECONDS} s of SIGTERM")
        await process.end()
    else:
        if code != 0:
            arena.broken.append(f"{name} ended with {code} after SIGTERM")
    await process.start()
