"""Sending is as fast as latency, failures and the size of mailings explain, and gives nothing back without an edit."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import pytest

from tests.chaos.harness.assessment import assess
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS
from tests.chaos.harness.result import ExperimentResult
from tests.chaos.harness.rig import Rig, RigServices, open_rig
from tests.chaos.harness.traffic import until_finished
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.relay import Relay
from tests.support.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(EXPERIMENT_SECONDS)]

CONCURRENCY, PROVIDER_MS = 100, 20
ENV = {
    "HERALD_PROVIDER_RATE": "unlimited",
    "HERALD_DISPATCHER_CONCURRENCY": str(CONCURRENCY),
    "HERALD_JOBS_HIGH_WATERMARK": "10000",
    "HERALD_PROVIDER_TIMEOUT": "5",
    "HERALD_RETRY_DELAYS": "1s,2s,5s",
}
MESSAGES = 2000
# Of what latency explains. A short mailing also has a beginning and an end, in which its slots are not full.
LEAST_SHARE = 0.35
# Half of the replies of a provider fail: of the plain rate of requests.
LEAST_SHARE_HALF_FAILING = 0.4
MEASURED_SECONDS, SETTLING_SECONDS = 8, 12
MAILINGS, CLIENTS = 2000, 5
LEAST_SHARE_SMALL = 0.5
FINISHED_WITHIN_SECONDS = 10.0
BUSY = "while True: pass"


@dataclass(frozen=True)
class Place:
    """How far the dispatcher is from its services, in milliseconds there and back; or that the cores are busy."""

    name: str
    database_ms: int = 0
    broker_ms: int = 0
    busy: bool = False

    @property
    def explained(self) -> float:
        """Messages a second that this place allows: slots over their time, and results over theirs."""
        slots = CONCURRENCY / ((self.database_ms + PROVIDER_MS) / 1000)
        return min(slots, 2 * CONCURRENCY / (self.broker_ms / 1000)) if self.broker_ms else slots


NEAR = Place("near")
PLACES = {
    "database far away": (NEAR, *(Place(f"{ms} ms", database_ms=ms) for ms in (30, 100, 300, 1000))),
    "broker far away, then cores busy": (
        NEAR,
        *(Place(f"{ms} ms", broker_ms=ms) for ms in (100, 500)),
        Place("busy", busy=True),
    ),
}

Report = Callable[[ExperimentResult], None]
ShowLogs = Callable[[Stack], None]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.replace(" ", "-")) for fault in PLACES])
async def test_the_rate_falls_no_faster_than_latency_explains(
    services: RigServices, show_logs: ShowLogs, report_result: Report, fault: str
) -> None:
    processes: dict[str, dict[str, str]] = {name: {} for name in ("api", "planner", "reporter")}
    async with open_rig(services, frozenset(), ENV, processes, show_logs) as (stack, pool):
        rig = Rig(fault, stack, pool, Operator(stack), services, 0, 0)
        await rig.operator.set_faults(latency_ms=PROVIDER_MS)
        await add_clients(pool, MESSAGES, tag="all")
        plain = 0.0
        for place in PLACES[fault]:
            rate, wasted = await _send_from(rig, place)
            plain = plain or rate
            rig.notes.append(f"{place.name} {rate:.0f}/s")
            if rate < LEAST_SHARE * min(plain, place.explained) and not place.busy:
                rig.violations.append(f"{place.name}: {rate:.0f}/s")
            if wasted:
                rig.violations.append(f"{place.name}: {wasted:.0f} claims given back")
        result = await assess(rig, rig.others)
    report_result(result)


async def _send_from(rig: Rig, place: Place) -> tuple[float, float]:
    """Sends a mailing through a dispatcher at this place. Returns messages a second, and claims given back."""
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(Relay(rig.services.database_url))
        broker = await opened.enter_async_context(Relay(rig.services.broker_url))
        database.latency, broker.latency = place.database_ms / 2000, place.broker_ms / 2000
        urls = {"HERALD_DATABASE_URL": database.url, "HERALD_RABBITMQ_URL": broker.url}
        await rig.stack.start("dispatcher", env=urls)
        if place.busy:
            for _ in range(2):
                other = await asyncio.create_subprocess_exec(sys.executable, "-c", BUSY)
                opened.callback(other.kill)
        mailing_id = await rig.operator.create_mailing(filter={"tags": ["all"]}, lasts=3600)
        rig.others.add(mailing_id)
        await rig.operator.until_status(mailing_id, "finished", 100)
        given_back = await _metric(rig.stack, "herald_claims_given_back_total")
        assert await rig.stack.process("dispatcher").stop() == 0
        seconds: float = await rig.pool.fetchval(
            "SELECT extract(epoch FROM max(final_at) - min(started_at))::float8 FROM messages WHERE mailing_id = $1",
            mailing_id,
        )
    return MESSAGES / seconds, given_back


async def _metric(stack: Stack, name: str) -> float:
    url = stack.process("dispatcher").probe.replace("/readyz", "/metrics")
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        lines = (await reply.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


async def test_a_provider_of_which_half_the_replies_fail_gets_two_fifths_of_the_plain_rate(
    services: RigServices, show_logs: ShowLogs, report_result: Report
) -> None:
    processes: dict[str, dict[str, str]] = {name: {} for name in ("api", "planner", "dispatcher", "reporter")}
    env = ENV | {"HERALD_RETRY_DELAYS": "5s,30s,2m"}
    async with open_rig(services, frozenset(), env, processes, show_logs) as (stack, pool):
        rig = Rig("provider fails every second time, unlimited", stack, pool, Operator(stack), services, 0, 0)
        await rig.operator.set_faults(latency_ms=PROVIDER_MS)
        await add_clients(pool, 100_000, tag="all")
        mailing_id = await rig.operator.create_mailing(lasts=3600)
        await rig.operator.until_counts_begin(mailing_id)
        plain = await _requests_a_second(rig)
        await rig.operator.set_faults(latency_ms=PROVIDER_MS, error_rate=0.5)
        await asyncio.sleep(SETTLING_SECONDS)
        failing = await _requests_a_second(rig)
        await rig.operator.set_faults(latency_ms=PROVIDER_MS)
        await rig.operator.post(f"/mailings/{mailing_id}/cancel")
        await until_finished(rig)
        rig.notes.append(f"{plain:.0f} requests/s, {failing:.0f} while half fail: {failing / plain:.0%}")
        if failing < LEAST_SHARE_HALF_FAILING * plain:
            rig.violations.append(f"a half-failing provider gets {failing / plain:.0%} of the plain rate")
        result = await assess(rig, set())
    report_result(result)


async def _requests_a_second(rig: Rig) -> float:
    before = await _count_requests(rig)
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(MEASURED_SECONDS)
    return (await _count_requests(rig) - before) / (asyncio.get_running_loop().time() - began)


async def _count_requests(rig: Rig) -> int:
    ledger = await rig.operator.ledger()
    requests: int = ledger["accepted"] + ledger["rejected"]
    return requests


async def test_thousands_of_small_mailings_are_sent_at_half_the_plain_rate_or_more(
    services: RigServices, show_logs: ShowLogs, report_result: Report
) -> None:
    processes: dict[str, dict[str, str]] = {name: {} for name in ("api", "planner", "dispatcher", "reporter")}
    async with open_rig(services, frozenset(), ENV, processes, show_logs) as (stack, pool):
        rig = Rig(f"{MAILINGS} mailings of {CLIENTS}", stack, pool, Operator(stack), services, 0, 0)
        await rig.operator.set_faults(latency_ms=PROVIDER_MS)
        await add_clients(pool, MAILINGS * CLIENTS, tag="all")
        await add_clients(pool, CLIENTS, tag="few", first=3_000_000)
        plain = await _send_mailings(rig, ["all"])
        small = await _send_mailings(rig, ["few"] * MAILINGS)
        late: float = await pool.fetchval(
            """
            SELECT extract(epoch FROM max(m.finished_at - x.last))::float8 FROM mailings m
            JOIN (SELECT mailing_id, max(final_at) AS last FROM messages GROUP BY 1) AS x ON x.mailing_id = m.id
            """
        )
        rig.notes.append(f"{plain:.0f}/s as one, {small:.0f}/s: {small / plain:.0%}; finished within {late:.1f} s")
        if small < LEAST_SHARE_SMALL * plain:
            rig.violations.append(f"small mailings go at {small / plain:.0%} of the plain rate")
        if late > FINISHED_WITHIN_SECONDS:
            rig.violations.append(f"a mailing finished {late:.1f} s after its last message")
        result = await assess(rig, rig.others)
    report_result(result)


async def _send_mailings(rig: Rig, tags: list[str]) -> float:
    """Sends mailings that start in the same second, and returns messages a second from then to the last status."""
    ids = [await add_mailing(rig.pool, tags=[tag], start_in=600, lasts=3600) for tag in tags]
    rig.others.update(ids)
    await rig.pool.execute("UPDATE mailings SET start_at = now() + interval '1 s' WHERE id = ANY ($1::bigint[])", ids)

    async def finished() -> bool:
        left = "SELECT count(*) FROM mailings WHERE id = ANY ($1::bigint[]) AND finished_at IS NULL"
        return bool(await rig.pool.fetchval(left, ids) == 0)

    await until(finished, 120, "all mailings are finished")
    rate: float = await rig.pool.fetchval(
        """
        SELECT count(*) / extract(epoch FROM max(m.final_at) - min(g.start_at))
        FROM messages m JOIN mailings g ON g.id = m.mailing_id WHERE g.id = ANY ($1::bigint[])
        """,
        ids,
    )
    return float(rate)
