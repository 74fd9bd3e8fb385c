"""Dispatchers share one concurrency: the provider never has more requests open, and the slots are used."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.harness.parameters import EXPERIMENT_SECONDS
from tests.chaos.harness.result import ExperimentResult
from tests.chaos.test_shared_rate import arrivals
from tests.conftest import MakeStack
from tests.support.operator import Operator

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(EXPERIMENT_SECONDS)]

SLOTS, DISPATCHERS, MESSAGES, LATENCY_MS = 10, 5, 500, 300
LEAST_USED = 0.8
FILE = """
version: 1
providers:
  smsc:
    preset: smsc
    request: {{url: "{sandbox}/presets/smsc/sys/send.php"}}
    concurrency: {slots}
"""


def most_within(moments: list[float], seconds: float) -> int:
    """Returns the most requests that arrived within any span of so many seconds."""
    first = most = 0
    for place, moment in enumerate(moments):
        while moment - moments[first] >= seconds:
            first += 1
        most = max(most, place - first + 1)
    return most


async def test_five_dispatchers_keep_to_one_concurrency_and_use_it(
    make_stack: MakeStack, tmp_path: Path, report_result: Callable[[ExperimentResult], None]
) -> None:
    stack = await make_stack("sandbox", "api", "planner", "reporter")
    file = tmp_path / "providers.yaml"
    file.write_text(FILE.format(sandbox=stack.sandbox_url, slots=SLOTS))
    env = {"SMSC_LOGIN": "me", "SMSC_PASSWORD": "sesame-open", "HERALD_PROVIDERS_FILE": str(file)}
    names = ["dispatcher", *(f"dispatcher-{number}" for number in range(2, DISPATCHERS + 1))]
    for name in names:
        await stack.start(name, env=env)
    operator = Operator(stack)
    await operator.set_faults(latency_ms=LATENCY_MS)
    await operator.import_numbered(MESSAGES)
    mailing_id = await operator.create_mailing()
    await operator.until_status(mailing_id, "finished", 200)
    moments = await arrivals(stack)
    # A request is open for its latency at least, so that all that arrive within it are open at once.
    most = most_within(moments, LATENCY_MS / 1000)
    steady = [moment for moment in moments if moments[0] + 3 <= moment <= moments[-1] - 2]
    per_second = (len(steady) - 1) / (steady[-1] - steady[0])
    used = per_second * LATENCY_MS / 1000 / SLOTS
    note = f"{most} open at most, {used:.0%} used"
    violations = () if most <= SLOTS and used >= LEAST_USED else (note,)
    ledger = await operator.ledger()
    report_result(ExperimentResult.of_figures(f"five dispatchers, {SLOTS} at once", ledger, note, *violations))
