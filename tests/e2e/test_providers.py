"""Several providers from a file: shares, drain and resume, and a dispatcher killed in the middle."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.consistency import check_consistency
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import Stack

CLIENTS = 500
SECRETS = {
    "SMSC_LOGIN": "me",
    "SMSC_PASSWORD": "sesame-open",
    "VONAGE_API_KEY": "key",
    "VONAGE_API_SECRET": "sesame-too",
}
# Of so short a mailing a provider without a free slot would leave its share to the other.
FILE = """
version: 1
providers:
  smsc:
    preset: smsc
    request: {{url: "{sandbox}/presets/smsc/sys/send.php"}}
    timeout: 10s
    concurrency: null
  vonage:
    preset: vonage
    sender: MyShop
    request: {{url: "{sandbox}/presets/vonage/sms/json"}}
    timeout: 10s
routes:
  - pool: [{{provider: smsc, weight: 80}}, {{provider: vonage, weight: 20}}]
"""

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
async def stack(make_stack: MakeStack, tmp_path: Path) -> Stack:
    stack = await make_stack("sandbox", "api", "planner", "reporter", env={"HERALD_RETRY_DELAYS": "1s,2s,5s"})
    file = tmp_path / "providers.yaml"
    file.write_text(FILE.format(sandbox=stack.sandbox_url))
    await stack.start("dispatcher", env=SECRETS | {"HERALD_PROVIDERS_FILE": str(file)})
    return stack


@pytest.fixture
async def operator(stack: Stack) -> Operator:
    made = Operator(stack)
    await made.import_numbered(CLIENTS)
    return made


async def by_provider(operator: Operator, mailing_id: int) -> dict[str, dict[str, int]]:
    found = await operator.get(f"/mailings/{mailing_id}/statistics")
    return {one["provider"]: one["by_outcome"] for one in found["by_provider"]}


async def states(operator: Operator) -> dict[str, Any]:
    return {one["name"]: one["state"] for one in (await operator.get("/providers"))["items"]}


async def test_providers_share_a_mailing_and_one_that_is_drained_gets_nothing(
    operator: Operator, stack: Stack, pool: asyncpg.Pool
) -> None:
    mailing_id = await operator.create_mailing()
    assert await operator.until_status(mailing_id, "finished", 60) == {"sent": CLIENTS}
    shares = await by_provider(operator, mailing_id)
    assert shares["smsc"]["accepted"] + shares["vonage"]["accepted"] == CLIENTS
    # In the trial of a new mapping, one request at a time, the others get some of its share.
    assert shares["smsc"]["accepted"] == pytest.approx(0.8 * CLIENTS, abs=0.05 * CLIENTS)
    rows = await pool.fetch("SELECT provider, count(*), sum(cost) AS cost FROM messages GROUP BY 1 ORDER BY 1")
    assert [(row["provider"], row["count"]) for row in rows] == [
        ("smsc", shares["smsc"]["accepted"]),
        ("vonage", shares["vonage"]["accepted"]),
    ]
    assert all(row["cost"] > 0 for row in rows)
    await check_consistency(pool, mailing_id)

    async def reported() -> bool:
        return set(await states(operator)) == {"smsc", "vonage"}

    await until(reported, 20, "the dispatcher reports its providers")
    assert (await operator.post("/providers/smsc/drain"))["state"] == "drained"
    again = await operator.create_mailing(text="again")
    assert await operator.until_status(again, "finished", 60) == {"sent": CLIENTS}
    assert await by_provider(operator, again) == {"vonage": {"accepted": CLIENTS}}
    assert (await operator.post("/providers/smsc/resume"))["state"] == "closed"
    assert (await operator.ledger())["duplicates"] == 0


async def test_a_dispatcher_that_is_killed_sends_nothing_twice(
    operator: Operator, stack: Stack, pool: asyncpg.Pool
) -> None:
    await operator.set_faults(latency_ms=500)
    mailing_id = await operator.create_mailing()

    async def in_the_middle() -> bool:
        return bool((await operator.counts(mailing_id)).get("sent", 0) > 50)

    await until(in_the_middle, 60, "some are sent")
    await stack.process("dispatcher").restart()
    counts = await operator.until_status(mailing_id, "finished", 100)
    assert sum(counts.values()) == CLIENTS
    # What was in flight is not repeated, since neither provider would drop the second request.
    assert set(counts) == {"sent", "exhausted"}
    assert (await operator.ledger())["duplicates"] == 0
    reasons = await pool.fetch("SELECT DISTINCT reason FROM messages WHERE status <> 'sent'")
    assert all(row["reason"].startswith("outcome unknown") for row in reasons)
    await check_consistency(pool, mailing_id)
