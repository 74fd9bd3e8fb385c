"""Herald waits for a database or a broker that is away, logs it, and continues when it is back."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from cli.native import rabbitmq
from tests.conftest import MakeStack
from tests.e2e.test_crashes import ledger_of, set_faults
from tests.support.consistency import check_consistency, until_finished
from tests.support.mailing_rows import add_clients, add_mailing, counts_of
from tests.support.polling import until
from tests.support.relay import Relay
from tests.support.stack import Stack

CLIENTS = 1000
CONCURRENCY = 20
ENV = {"HERALD_DISPATCHER_CONCURRENCY": str(CONCURRENCY), "HERALD_RETRY_DELAYS": "1s,2s"}
PIPELINE = ("planner", "dispatcher", "reporter")

pytestmark = pytest.mark.timeout(200)


def errors_of(stack: Stack) -> list[str]:
    """Returns the lines at level error, and those that are not the log's own."""
    lines = [line for name in PIPELINE for line in stack.process(name).text().splitlines()]
    return [line for line in lines if not line.startswith("{") or json.loads(line)["level"] == "error"]


async def under_way(pool: asyncpg.Pool, mailing_id: int) -> None:
    async def begun() -> bool:
        return (await counts_of(pool, mailing_id)).get("sent", 0) > 100

    await until(begun, 30, "the mailing is under way")


@pytest.mark.parametrize("process", PIPELINE)
@pytest.mark.parametrize("service", ["HERALD_DATABASE_URL", "HERALD_RABBITMQ_URL"])
async def test_a_process_waits_for_its_services_and_stops_when_asked(
    make_stack: MakeStack, free_port: int, process: str, service: str
) -> None:
    away = {
        "HERALD_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{free_port}/none",
        "HERALD_RABBITMQ_URL": f"amqp://guest:guest@127.0.0.1:{free_port}/",
    }
    stack = await make_stack("sandbox", env=ENV)
    starting = asyncio.create_task(stack.start(process, env={service: away[service]}))
    waiting = "waiting for the database" if "DATABASE" in service else "waiting for the broker"

    async def logged() -> bool:
        return stack.has_process(process) and waiting in stack.process(process).text()

    await until(logged, 20, f"{process} logs {waiting}")
    async with aiohttp.ClientSession() as session, session.get(stack.process(process).probe) as reply:
        assert reply.status == 503
        parts = (await reply.json())["parts"]
        assert not all(parts.values())
    stack.process(process).kill(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await stack.process(process).wait() == 0
    # The start fails, since the process never became ready, as this test intends.
    await asyncio.gather(starting, return_exceptions=True)


async def test_connections_lost_by_a_living_dispatcher_duplicate_nothing(
    make_stack: MakeStack, pool: asyncpg.Pool, broker_url: str
) -> None:
    await add_clients(pool, CLIENTS)
    stack = await make_stack("sandbox", "planner", "reporter", env=ENV)
    await set_faults(stack, latency_ms=60)
    async with Relay(broker_url) as relay:
        await stack.start("dispatcher", env={"HERALD_RABBITMQ_URL": relay.url})
        mailing_id = await add_mailing(pool)
        await under_way(pool, mailing_id)
        for _ in range(3):
            await relay.cut()
            await asyncio.sleep(0.3)
            await relay.mend()
            await asyncio.sleep(2)
        assert await until_finished(pool, mailing_id, 90) == {"sent": CLIENTS}
        assert (await ledger_of(stack))["accepted"] == CLIENTS


@pytest.mark.parametrize("service", ["HERALD_DATABASE_URL", "HERALD_RABBITMQ_URL"])
async def test_a_service_away_for_all_processes_loses_and_duplicates_nothing(
    make_stack: MakeStack, pool: asyncpg.Pool, database_url: str, broker_url: str, service: str
) -> None:
    await add_clients(pool, CLIENTS)
    async with Relay(database_url if "DATABASE" in service else broker_url) as relay:
        stack = await make_stack("sandbox", *PIPELINE, env=ENV | {service: relay.url})
        await set_faults(stack, latency_ms=60)
        mailing_id = await add_mailing(pool)
        await under_way(pool, mailing_id)
        await relay.cut()
        await asyncio.sleep(6)
        await relay.mend()
        assert await until_finished(pool, mailing_id, 90) == {"sent": CLIENTS}
        assert (await ledger_of(stack))["accepted"] == CLIENTS
        relay.drop()
        assert [await stack.process(name).stop() for name in PIPELINE] == [0, 0, 0]
    assert errors_of(stack) == [], "an outage that is over, and an ordinary stop, are no errors"


async def test_a_broker_killed_in_mid_mailing_is_used_again_when_it_is_back(
    make_stack: MakeStack, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    script = rabbitmq.find_script()
    if script is None:
        pytest.skip("rabbitmq-server is not installed")
    await add_clients(pool, CLIENTS)
    async with rabbitmq.serve(tmp_path / "rabbitmq", script) as node:
        stack = await make_stack("sandbox", *PIPELINE, env=ENV | {"HERALD_RABBITMQ_URL": node.url})
        await set_faults(stack, latency_ms=60)
        mailing_id = await add_mailing(pool)
        await under_way(pool, mailing_id)
        kill_node(node)
        assert await until_finished(pool, mailing_id, 100) == {"sent": CLIENTS}
        assert (await ledger_of(stack))["accepted"] == CLIENTS


def kill_node(node: rabbitmq.Node) -> None:
    """Kills the Erlang machine of the node with SIGKILL. Its supervisor starts it again."""
    found = subprocess.run(["pgrep", "-f", f"beam.*{node.folder}"], capture_output=True, text=True, check=True)
    for pid in found.stdout.split():
        os.kill(int(pid), signal.SIGKILL)


async def test_two_of_every_process_and_one_of_each_killed(make_stack: MakeStack, pool: asyncpg.Pool) -> None:
    await add_clients(pool, 3000)
    doubles = [f"{name}-2" for name in PIPELINE]
    stack = await make_stack("sandbox", *PIPELINE, *doubles, env=ENV)
    await set_faults(stack, latency_ms=30)
    first, second = await add_mailing(pool), await add_mailing(pool)
    await under_way(pool, first)
    folding = next(name for name in ("reporter", "reporter-2") if "results folded" in stack.process(name).text())
    for name in ("planner", "dispatcher", folding):
        stack.process(name).kill(signal.SIGKILL)
        await asyncio.sleep(0.5)
    assert await until_finished(pool, first, 90) == {"sent": 3000}
    assert await until_finished(pool, second, 90) == {"sent": 3000}
    ledger = await ledger_of(stack)
    assert ledger["unique"] == 6000
    assert ledger["duplicates"] <= 3 * CONCURRENCY
    await check_consistency(pool, first)
    assert_only_one_folds(stack)


def assert_only_one_folds(stack: Stack) -> None:
    """Checks that the second reporter folded its first results after the last fold of the first reporter."""
    moments = {
        name: [json.loads(line)["time"] for line in stack.process(name).text().splitlines() if "results folded" in line]
        for name in ("reporter", "reporter-2")
    }
    first, second = sorted((times for times in moments.values() if times), key=lambda times: times[0])
    assert first[-1] < second[0]
