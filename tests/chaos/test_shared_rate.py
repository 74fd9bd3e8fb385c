"""Dispatchers share one rate: no second at the provider has more, it is used, and the dead give their share back."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.chaos.harness.parameters import EXPERIMENT_SECONDS
from tests.chaos.harness.result import ExperimentResult
from tests.conftest import MakeStack
from tests.support.operator import Operator
from tests.support.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(EXPERIMENT_SECONDS)]

RATE, DISPATCHERS, MESSAGES = 200, 5, 4000
LEAST_USED = 0.95


async def arrivals(stack: Stack) -> list[float]:
    """Lists the moments of all requests, by the provider's clock, in order."""
    found: list[dict[str, Any]] = []
    while True:
        async with stack.sandbox.get("/ledger/requests", params={"after": len(found), "limit": 10_000}) as reply:
            page = (await reply.json())["items"]
        found += page
        if len(page) < 10_000:
            return sorted(datetime.fromisoformat(one["received_at"]).timestamp() for one in found)


def most_in_a_second(moments: list[float]) -> int:
    """Returns the most requests in any sliding second."""
    first = most = 0
    for place, moment in enumerate(moments):
        while moment - moments[first] >= 1:
            first += 1
        most = max(most, place - first + 1)
    return most


async def test_five_dispatchers_keep_to_one_rate_and_use_it(
    make_stack: MakeStack, report_result: Callable[[ExperimentResult], None]
) -> None:
    stack = await make_stack("sandbox", "api", "planner", "reporter")
    names = ["dispatcher", *(f"dispatcher-{number}" for number in range(2, DISPATCHERS + 1))]
    for name in names:
        await stack.start(name, env={"HERALD_PROVIDER_RATE": str(RATE)})
    operator = Operator(stack)
    await operator.import_numbered(MESSAGES)
    mailing_id = await operator.create_mailing()
    await operator.until_status(mailing_id, "finished", 120)
    moments = await arrivals(stack)
    # Without the first and the last second, in which not all dispatchers have work.
    steady = [moment for moment in moments if moments[0] + 2 <= moment <= moments[-1] - 2]
    per_second = (len(steady) - 1) / (steady[-1] - steady[0])
    most = most_in_a_second(moments)
    note = f"{per_second:.1f}/s on average, {most} at most in a second"
    violations = () if most <= RATE and per_second >= LEAST_USED * RATE else (note,)
    ledger = await operator.ledger()
    report_result(ExperimentResult.of_figures(f"five dispatchers at {RATE}/s", ledger, note, *violations))


async def test_the_share_of_a_killed_dispatcher_is_used_again(make_stack: MakeStack) -> None:
    stack = await make_stack("sandbox", "api", "planner", "reporter")
    for name in ("dispatcher", "dispatcher-2"):
        await stack.start(name, env={"HERALD_PROVIDER_RATE": str(RATE)})
    operator = Operator(stack)
    await operator.import_numbered(MESSAGES)
    mailing_id = await operator.create_mailing()
    await operator.until_counts_begin(mailing_id, 60)
    await asyncio.sleep(5)
    stack.process("dispatcher-2").kill()
    killed_at = (await arrivals(stack))[-1]
    await operator.until_status(mailing_id, "finished", 180)
    moments = await arrivals(stack)
    later = [moment for moment in moments if killed_at + 15 <= moment <= moments[-1] - 2]
    assert most_in_a_second(moments) <= RATE
    assert (len(later) - 1) / (later[-1] - later[0]) >= LEAST_USED * RATE
