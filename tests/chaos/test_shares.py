"""Two providers get the shares of their weights."""

from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.chaos.harness.parameters import EXPERIMENT_SECONDS
from tests.chaos.harness.result import ExperimentResult
from tests.conftest import MakeStack
from tests.support.operator import Operator

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(EXPERIMENT_SECONDS)]

MESSAGES, SHARE, POINTS = 10_000, 0.8, 0.02
ENV = {"SMSC_LOGIN": "me", "SMSC_PASSWORD": "sesame-open", "VONAGE_API_KEY": "key", "VONAGE_API_SECRET": "sesame-too"}
# With the concurrency of its preset, 14, smsc would be the slower one.
FILE = """
version: 1
providers:
  smsc:
    preset: smsc
    request: {{url: "{sandbox}/presets/smsc/sys/send.php"}}
    concurrency: null
  vonage:
    preset: vonage
    sender: MyShop
    request: {{url: "{sandbox}/presets/vonage/sms/json"}}
routes:
  - pool: [{{provider: smsc, weight: 80}}, {{provider: vonage, weight: 20}}]
"""


async def test_ten_thousand_messages_are_shared_80_to_20(
    make_stack: MakeStack, pool: asyncpg.Pool, tmp_path: Path, report_result: Callable[[ExperimentResult], None]
) -> None:
    stack = await make_stack("sandbox", "api", "planner", "reporter")
    file = tmp_path / "providers.yaml"
    file.write_text(FILE.format(sandbox=stack.sandbox_url))
    await stack.start("dispatcher", env=ENV | {"HERALD_PROVIDERS_FILE": str(file)})
    operator = Operator(stack)
    await operator.set_faults(latency_ms=20)
    await operator.import_numbered(MESSAGES)
    mailing_id = await operator.create_mailing()
    assert await operator.until_status(mailing_id, "finished", 200) == {"sent": MESSAGES}
    smsc = await pool.fetchval("SELECT count(*) FROM messages WHERE provider = 'smsc'")
    ledger = await operator.ledger()
    share = smsc / MESSAGES
    violations = () if abs(share - SHARE) <= POINTS else (f"{share:.2%} instead of {SHARE:.0%}",)
    note = f"{share:.2%} through the one with 80"
    report_result(ExperimentResult.of_figures("two providers, 80 to 20", ledger, note, *violations))
