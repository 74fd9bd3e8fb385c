"""An incident in which everything goes wrong, played on a stack for tests and pictures of its monitoring."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.support.operator import Operator

CLIENTS = 3000
ENV = {
    "HERALD_RETRY_DELAYS": "1s,3s",
    "HERALD_MAX_ATTEMPTS": "3",
    "HERALD_PROVIDER_RATE": "100",
    "HERALD_DISPATCHER_CONCURRENCY": "20",
}


def client_lines(ending: str, number: int) -> list[str]:
    """Returns CSV lines of clients whose phones end in `ending`, which chooses the sandbox's answer."""
    return [f"7905{place:03}{ending},905,all," for place in range(number)]


async def outage(operator: Operator, seconds: float) -> None:
    """Takes the provider down for `seconds`, with a mailing that ends meanwhile."""
    await operator.set_faults(modes={"error503": 1.0})
    await operator.create_mailing(lasts=12, filter={"tags": ["late"]})
    await asyncio.sleep(seconds)
    await operator.set_faults()


async def play_incident(operator: Operator, crash: Callable[[], Awaitable[None]], outage_seconds: float) -> int:
    """Sends a mailing with retries, refusals and exhausted messages through an outage and a crash, and returns its id.

    The stack must run with ENV. `crash` kills a dispatcher and starts it again.
    """
    await operator.import_numbered(CLIENTS, tag="all")
    await operator.import_numbered(1500, tag="late", first=CLIENTS)
    await operator.import_csv(*client_lines("0400", 5), *client_lines("0500", 5))
    mailing_id = await operator.create_mailing(filter={"tags": ["all"]})
    await operator.until_counts_begin(mailing_id)
    await operator.set_faults(error_rate=0.2, latency_ms=100)
    await asyncio.sleep(10)
    await outage(operator, outage_seconds)
    await operator.set_faults(latency_ms=100)
    await asyncio.sleep(5)
    await crash()
    await operator.until_status(mailing_id, "finished", seconds=120)
    return mailing_id
