"""Faults of Herald's own processes."""

import asyncio
import signal

from tests.chaos.harness.database_retry import retry_during_outage
from tests.chaos.harness.rig import Rig

EXIT_SECONDS = 25


async def kill(rig: Rig, name: str) -> None:
    """Kills a process with SIGKILL. The requests of a killed dispatcher may be sent again."""
    process = rig.stack.process(name)
    process.kill(signal.SIGKILL)
    await process.wait()
    if name.startswith("dispatcher"):
        await retry_during_outage(rig.remember_held_claims, EXIT_SECONDS)


async def kill_and_start(rig: Rig, name: str) -> None:
    await kill(rig, name)
    await rig.stack.process(name).start()


async def restart(rig: Rig, name: str) -> None:
    """Restarts a process as an operator does. It must end with code 0 and in time."""
    process = rig.stack.process(name)
    process.kill(signal.SIGTERM)
    try:
        async with asyncio.timeout(EXIT_SECONDS):
            code = await process.wait()
    except TimeoutError:
        rig.violations.append(f"{name} did not end within {EXIT_SECONDS} s of SIGTERM")
        await process.end()
    else:
        if code != 0:
            rig.violations.append(f"{name} ended with {code} after SIGTERM")
    await process.start()
