"""Faults of connections that go through a relay."""

import asyncio

from tests.chaos.harness.rig import LATENCY_MS, Rig

# Each way. No promise holds for such a network, but nothing may be lost or duplicated on it.
LATENCY_SECONDS = 0.1
# So that claims are open for seconds, and their results unconfirmed, while connections are lost.
SLOW_MS = 3000
PATIENT = {"HERALD_PROVIDER_TIMEOUT": "10", "HERALD_DISPATCHER_CONCURRENCY": "100"}


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


async def reset_beside_open_requests(rig: Rig) -> None:
    """Resets the connections every second, while requests take three."""
    await rig.operator.set_faults(latency_ms=SLOW_MS)
    await reset(rig)
    await rig.operator.set_faults(latency_ms=LATENCY_MS)


async def stall(rig: Rig) -> None:
    """Forwards nothing while all connections stay open."""
    rig.relay.stall()
    await asyncio.sleep(rig.seconds)
    rig.relay.resume()
