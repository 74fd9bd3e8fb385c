"""Each fault reaches somebody under the name of its cause, and what is no fault reaches nobody.

One stack, one Prometheus and one fault a test, so that none sees the traces of another. `make oncall` prints the table.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.e2e.test_crashes import set_faults
from tests.e2e.test_outages import under_way
from tests.oncall.faults import FAULTS, Fault
from tests.oncall.report import FOLDER
from tests.oncall.rules import write_hastened
from tests.oncall.scene import Scene, address_of
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.monitoring.inhibition import paged
from tests.support.monitoring.metrics_table import PROCESSES
from tests.support.monitoring.prometheus import Prometheus, open_prometheus
from tests.support.polling import until
from tests.support.relay import Relay

CLIENTS = 20_000
ENV = {
    "HERALD_PROVIDER_RATE": "50",
    "HERALD_DISPATCHER_CONCURRENCY": "20",
    "HERALD_PROVIDER_TIMEOUT": "3",
    "HERALD_RETRY_DELAYS": "1s,2s",
}
# The planner reads the tables every 10 s, and takes the rate of the last minute.
SETTLED_SECONDS = 12
# A window of a minute must pass, and what stood in it before.
MOST_SECONDS = 150
# What follows from a cause comes after it.
AFTERMATH_SECONDS = 12
QUIET_SECONDS = 25
# Seconds of deploy/prometheus/alertmanager.yml.
GROUP_WAIT = 15
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """The seconds after the fault in which each alert fired, and those that are left out of its `for`."""

    fired: dict[str, float]
    left_out: Mapping[str, float]

    @property
    def taken(self) -> dict[str, int]:
        """The seconds that each alert would have taken with the whole of its `for`."""
        return {name: round(seconds + self.left_out[name]) for name, seconds in self.fired.items()}

    @property
    def pages(self) -> set[str]:
        """What Alertmanager sends: it waits for GROUP_WAIT, and knows nothing of causes that fire later."""
        taken = self.taken
        return {name for name in taken if name in paged({n for n in taken if taken[n] <= taken[name] + GROUP_WAIT})}


async def watch(prometheus: Prometheus, page: str | None, left_out: Mapping[str, float]) -> Seen:
    """Looks until the alert fires, and a little longer for what follows."""
    begun, fired = time.monotonic(), dict[str, float]()
    until = begun + (QUIET_SECONDS if page is None else MOST_SECONDS)
    while (moment := time.monotonic()) < until:
        for name in await prometheus.firing() - fired.keys():
            fired[name] = moment - begun
            if name == page:
                until = moment + AFTERMATH_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
    return Seen(fired, left_out)


def record(fault: Fault, seen: Seen) -> None:
    """Writes the row of the table."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    row = {"fault": fault.name, "page": fault.page, "pages": sorted(seen.pages), "alerts": seen.taken}
    (FOLDER / f"{FAULTS.index(fault):02}.json").write_text(json.dumps(row), encoding="utf-8")


@pytest.mark.chaos
@pytest.mark.timeout(400)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
async def test_a_fault_reaches_somebody_under_the_name_of_its_cause(
    make_stack: MakeStack,
    pool: asyncpg.Pool,
    database_url: str,
    broker_url: str,
    tmp_path: Path,
    free_port: int,
    fault: Fault,
) -> None:
    await add_clients(pool, CLIENTS)
    rules, left_out = write_hastened(tmp_path)
    async with Relay(database_url) as database, Relay(broker_url) as broker:
        env = {**ENV, **fault.env, "HERALD_DATABASE_URL": database.url, "HERALD_RABBITMQ_URL": broker.url}
        stack = await make_stack(env=env)
        await set_faults(stack, latency_ms=20, modes={"ok": 1.0})
        mailing_id = await add_mailing(pool, lasts=7200)
        await under_way(pool, mailing_id)
        await asyncio.sleep(SETTLED_SECONDS)
        targets = {process: address_of(stack, process) for process in PROCESSES}
        async with open_prometheus(targets, tmp_path, free_port, rules) as prometheus:
            scene = Scene(stack, prometheus, targets, pool, database_url, broker_url, database, broker)
            # What is counted before the first scrape of a process is no increase.
            await until(partial(prometheus.scraped, len(targets)), 30, "all processes are scraped")
            assert await prometheus.firing() == set()
            held = await fault.inject(scene)
            seen = await watch(prometheus, fault.page, left_out)
        if isinstance(held, asyncpg.Connection):
            held.terminate()
    record(fault, seen)
    expected = set() if fault.page is None else {fault.page}
    assert seen.pages - fault.beside == expected, seen.fired
