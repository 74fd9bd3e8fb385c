"""The rate of requests to a provider of which a share of the replies fail, beside its plain rate."""

import asyncio

from bench.steady.stage import TAG, FiguresTable, Stage
from cli.stack.output import announce

PROVIDER_MS = 20
# The concurrency has adapted by then.
SETTLING_SECONDS = 12.0


async def measure(stage: Stage, clients: int, seconds: float, failures: float) -> FiguresTable:
    """Sends a mailing of `clients`, and measures for `seconds` while all is well and while replies fail."""
    await stage.add_clients(clients)
    await stage.set_faults(PROVIDER_MS)
    mailing_id = await stage.create_mailing(TAG)
    await stage.until_sent(1, mailing_id)
    announce("measuring the plain rate")
    plain = await _requests_a_second(stage, seconds)
    await stage.set_faults(PROVIDER_MS, failures)
    announce(f"{failures:.0%} of the replies fail")
    await asyncio.sleep(SETTLING_SECONDS)
    failing = await _requests_a_second(stage, seconds)
    left = await stage.connection.fetchval("SELECT pending FROM mailing_counts WHERE mailing_id = $1", mailing_id)
    await stage.set_faults(PROVIDER_MS)
    await stage.api.post(f"/mailings/{mailing_id}/cancel")
    rows = [
        ("plain, requests/s", f"{plain:.0f}"),
        ("failing, requests/s", f"{failing:.0f}"),
        ("ratio", f"{failing / plain:.2f}"),
        ("messages never tried at the end: must not be 0", left),
    ]
    return FiguresTable(f"a provider of {PROVIDER_MS} ms, {failures:.0%} failing", ("figure", "value"), rows)


async def _requests_a_second(stage: Stage, seconds: float) -> float:
    clock = asyncio.get_running_loop().time
    before, began = await stage.count_requests(), clock()
    await asyncio.sleep(seconds)
    return (await stage.count_requests() - before) / (clock() - began)
