"""Faults of connections that go through a relay."""

import asyncio

from tests.chaos.harness.rig import Rig

# Each way. No promise holds for such a network, but nothing may be lost or duplicated on it.
LATENCY_SECONDS = 0.1


async def slow(rig: Rig) -> None:
    rig.relay.latency = LATENCY_SECONDS
    await asyncio.sleep(rig.seconds)
    rig.relay.latency = 0


async def cut(rig: Rig) -> None:
    """Drops the connections and refuses new ones."""
    await rig.relay.cut()
    await asyncio.sleep(rig.seconds)
    await rig.relay.mend()


async def reset(rig: Rig) -> None:
    """Resets the connections every second."""
    for _ in range(int(rig.seconds)):
        rig.relay.drop(reset=True)
        await asyncio.sleep(1)


async def stall(rig: Rig) -> None:
    """Forwards nothing while all connections stay open."""
    rig.relay.stall()
    await asyncio.sleep(rig.seconds)
    rig.relay.resume()
