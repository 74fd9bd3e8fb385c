"""The provider fails as a whole: the breaker opens, few attempts are spent, and sending resumes by itself."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.consistency import check_consistency
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import ALL, Stack

ENV = {"HERALD_RETRY_DELAYS": "1s,2s,5s", "HERALD_DISPATCHER_CONCURRENCY": "20", "HERALD_PROVIDER_TIMEOUT": "2"}
CLIENTS = 1000

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
async def stack(make_stack: MakeStack) -> Stack:
    return await make_stack(*ALL, env=ENV)


@pytest.fixture
async def operator(stack: Stack) -> Operator:
    made = Operator(stack)
    await made.import_numbered(CLIENTS)
    return made


async def until_consuming_pauses(stack: Stack) -> None:
    async def paused() -> bool:
        return "consuming paused" in stack.process("dispatcher").text()

    await until(paused, 20, "the breaker opens")


@pytest.mark.parametrize("mode", ["error500", "hang", "reset", "no_code"])
async def test_the_breaker_opens_and_the_mailing_is_finished_when_the_provider_is_back(
    operator: Operator, stack: Stack, pool: asyncpg.Pool, mode: str
) -> None:
    await operator.set_faults(modes={mode: 1.0})
    mailing_id = await operator.create_mailing()
    await until_consuming_pauses(stack)
    await asyncio.sleep(5)
    asked = await pool.fetchval("SELECT coalesce(sum(count), 0) FROM outcomes")
    assert asked < 200, "an open breaker makes no requests but a few probes"
    await operator.set_faults(modes={"ok": 1.0})
    assert await operator.until_status(mailing_id, "finished", 100) == {"sent": CLIENTS}
    ledger = await operator.ledger()
    assert (ledger["unique"], ledger["duplicates"]) == (CLIENTS, 0)
    await check_consistency(pool, mailing_id)


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [
        ("error500", 5),
        # A hang is only noticed at the timeout of the request, which is 2 s here.
        ("hang", 2 + 5),
    ],
)
async def test_a_provider_that_fails_in_the_middle_of_a_healthy_run_is_noticed_in_time(
    make_stack: MakeStack, mode: str, seconds: float
) -> None:
    stack = await make_stack(*ALL, env=ENV | {"HERALD_PROVIDER_RATE": "100"})
    operator = Operator(stack)
    await operator.import_numbered(5000)
    await operator.create_mailing()

    async def well_under_way() -> bool:
        return bool((await operator.ledger())["accepted"] > 800)

    await until(well_under_way, 60)
    await operator.set_faults(modes={mode: 1.0})
    failing_since = datetime.now(UTC)

    async def opened() -> bool:
        return '"state":"open"' in stack.process("dispatcher").text()

    await until(opened, 20, "the breaker opens")
    line = next(line for line in stack.process("dispatcher").text().splitlines() if '"state":"open"' in line)
    assert datetime.fromisoformat(json.loads(line)["time"]) - failing_since < timedelta(seconds=seconds)
    async with aiohttp.ClientSession() as session, session.get(stack.process("dispatcher").probe) as reply:
        # A dispatcher with an open breaker is healthy, so it is ready.
        assert (reply.status, (await reply.json())["details"]["breaker"]) == (200, "open")


async def test_a_provider_of_which_half_the_replies_fail_is_not_cut_off(operator: Operator, stack: Stack) -> None:
    await operator.set_faults(error_rate=0.5)
    mailing_id = await operator.create_mailing()
    by_status = await operator.until_status(mailing_id, "finished", 120)
    # One message of 256 fails eight times in a row.
    assert by_status.get("sent", 0) + by_status.get("exhausted", 0) == CLIENTS
    assert by_status.get("exhausted", 0) <= 20
    assert '"state":"open"' not in stack.process("dispatcher").text()


async def test_a_refused_token_spends_no_attempts(operator: Operator, stack: Stack, pool: asyncpg.Pool) -> None:
    await operator.set_faults(modes={"unauthorized": 1.0})
    mailing_id = await operator.create_mailing()
    await until_consuming_pauses(stack)
    assert "HERALD_PROVIDER_TOKEN" in stack.process("dispatcher").text()
    await asyncio.sleep(2)
    assert await pool.fetchval("SELECT coalesce(max(failures), 0) FROM flights") == 0
    await operator.set_faults(modes={"ok": 1.0})
    assert await operator.until_status(mailing_id, "finished", 100) == {"sent": CLIENTS}
    assert (await operator.ledger())["duplicates"] == 0


async def test_a_slow_but_honest_provider_never_opens_the_breaker(operator: Operator, stack: Stack) -> None:
    await operator.set_faults(latency_ms=1200, jitter_ms=500)
    mailing_id = await operator.create_mailing()
    assert await operator.until_status(mailing_id, "finished", 120) == {"sent": CLIENTS}
    assert "consuming paused" not in stack.process("dispatcher").text()


async def test_the_api_answers_as_quickly_as_ever_while_the_provider_hangs(operator: Operator, stack: Stack) -> None:
    await operator.set_faults(modes={"hang": 1.0})
    await operator.create_mailing()
    await until_consuming_pauses(stack)
    began = asyncio.get_running_loop().time()
    for _ in range(50):
        await operator.get("/statistics")
    assert asyncio.get_running_loop().time() - began < 5
