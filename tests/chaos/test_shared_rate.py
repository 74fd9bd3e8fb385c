"""Dispatchers share one rate: no second at the provider has more, it is used, and the dead give their share back."""

import asyncio
import signal
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

RATE, DISPATCHERS, MESSAGES, LONG = 200, 5, 4000, 6000
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


async def test_the_share_of_a_killed_dispatcher_is_used_again(
    make_stack: MakeStack, report_result: Callable[[ExperimentResult], None]
) -> None:
    stack, operator, mailing_id = await two_that_send(make_stack)
    stack.process("dispatcher-2").kill()
    killed_at = (await arrivals(stack))[-1]
    await operator.until_status(mailing_id, "finished", 180)
    await judge(stack, operator, "one of two dispatchers killed", killed_at + 15, report_result)


async def test_a_dispatcher_that_stood_still_has_lost_its_share(
    make_stack: MakeStack, report_result: Callable[[ExperimentResult], None]
) -> None:
    """It stands still for less than a lease lasts, then for as long, and then until others have its tokens."""
    stack, operator, mailing_id = await two_that_send(make_stack)
    for seconds in (3, 6, 14):
        stack.process("dispatcher-2").kill(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        stack.process("dispatcher-2").kill(signal.SIGCONT)
        await asyncio.sleep(1)
    continued_at = (await arrivals(stack))[-1]
    await operator.until_status(mailing_id, "finished", 180)
    await judge(stack, operator, "one of two dispatchers stopped for a while", continued_at, report_result)


async def two_that_send(make_stack: MakeStack) -> tuple[Stack, Operator, int]:
    """Has two dispatchers send a mailing at one rate for five seconds."""
    stack = await make_stack("sandbox", "api", "planner", "reporter")
    for name in ("dispatcher", "dispatcher-2"):
        await stack.start(name, env={"HERALD_PROVIDER_RATE": str(RATE)})
    operator = Operator(stack)
    await operator.import_numbered(LONG)
    mailing_id = await operator.create_mailing()
    await operator.until_counts_begin(mailing_id, 60)
    await asyncio.sleep(5)
    return stack, operator, mailing_id


async def judge(
    stack: Stack, operator: Operator, fault: str, since: float, report_result: Callable[[ExperimentResult], None]
) -> None:
    """Reports the most requests in any second, which may not exceed the rate, and the average after `since`."""
    moments = await arrivals(stack)
    later = [moment for moment in moments if since <= moment <= moments[-1] - 2]
    per_second, most = (len(later) - 1) / (later[-1] - later[0]), most_in_a_second(moments)
    note = f"{per_second:.1f}/s on average, {most} at most in a second"
    violations = () if most <= RATE and per_second >= LEAST_USED * RATE else (note,)
    report_result(ExperimentResult.of_figures(fault, await operator.ledger(), note, *violations))
