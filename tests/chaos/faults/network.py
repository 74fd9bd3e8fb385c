"""Faults of connections that go through a relay."""

import asyncio
from collections.abc import Sequence

import aiohttp

from bench.steady.sending_watch import parse_given_back
from tests.chaos.harness.rig import LATENCY_MS, InjectFault, Rig

# Each way. No promise holds for such a network, but nothing may be lost or duplicated on it.
LATENCY_SECONDS = 0.1
# So that claims are open for seconds, and their results unconfirmed, while connections are lost.
SLOW_MS = 3000
PATIENT = {"HERALD_PROVIDER_TIMEOUT": "10", "HERALD_DISPATCHER_CONCURRENCY": "100"}


async def slow(rig: Rig) -> None:
    rig.relay.latency = LATENCY_SECONDS
    await asyncio.sleep(rig.seconds)
    rig.relay.latency = 0


# Each way, in turn. All processes are as far away; of a dispatcher alone, `make bench-steady ARGS=far` tries a second.
DATABASE_AWAY = (0.015, 0.05, 0.15)
BROKER_AWAY = (0.05, 0.25)
# By the time that a message takes, which is mostly that of its claim: a rate of twice RATE.
FAR = {"HERALD_DISPATCHER_CONCURRENCY": "200"}
SETTLING_SECONDS = 4
LEAST_SHARE = 0.5


def far(latencies: Sequence[float]) -> InjectFault:
    """Moves the service away, further and further: sending goes on at its rate, and no claim is given back."""

    async def inject(rig: Rig) -> None:
        seconds = rig.seconds / len(latencies) - SETTLING_SECONDS
        for latency in latencies:
            rig.relay.latency = latency
            await asyncio.sleep(SETTLING_SECONDS)
            before = await _accepted(rig)
            await asyncio.sleep(seconds)
            rate = (await _accepted(rig) - before) / seconds
            rig.notes.append(f"{rate:.0f}/s at {2000 * latency:.0f} ms")
            if rate < LEAST_SHARE * rig.rate:
                rig.violations.append(f"I8 {rate:.0f}/s with {2000 * latency:.0f} ms there and back")
        rig.relay.latency = 0
        if given_back := await claims_given_back(rig):
            rig.violations.append(f"claims were given back: {given_back}")

    return inject


async def _accepted(rig: Rig) -> int:
    accepted: int = (await rig.operator.ledger())["accepted"]
    return accepted


async def claims_given_back(rig: Rig) -> dict[str, int]:
    """Returns by reason how many claims the dispatcher gave back. Where a mailing ends, some have no time left."""
    url = rig.stack.process("dispatcher").probe.replace("/readyz", "/metrics")
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        found = parse_given_back(await reply.text())
    found.pop("time", None)
    return found


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
