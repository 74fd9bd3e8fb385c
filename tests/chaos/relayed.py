"""What can be done to connections that go through a relay."""

import asyncio

from tests.chaos.arena import Arena

# Each way: no promise is about a network like this, but nothing may be lost or doubled on it.
LATENCY_SECONDS = 0.1


async def slow(arena: Arena) -> None:
    arena.relay.latency = LATENCY_SECONDS
    await asyncio.sleep(arena.seconds)
    arena.relay.latency = 0


async def cut(arena: Arena) -> None:
    """Drops the connections, and refuse new ones."""
    await arena.relay.cut()
    await asyncio.sleep(arena.seconds)
    await arena.relay.mend()


async def reset(arena: Arena) -> None:
    """Resets the connections every second."""
    for _ in range(int(arena.seconds)):
        arena.relay.drop(reset=True)
        await asyncio.sleep(1)


async def hush(arena: Arena) -> None:
    """Passes nothing on, with all connections open."""
    arena.relay.stall()
    await asyncio.sleep(arena.seconds)
    arena.relay.resume()
