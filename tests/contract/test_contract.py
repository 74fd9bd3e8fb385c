"""The whole document against the running API: whatever schemathesis can think of, and nothing undocumented back."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import MakeStack
from tests.contract.hooks import ENDED_MAILING
from tests.support.polling import until
from tests.support.stack import ADMIN_TOKEN, Stack

FOLDER = Path(__file__).parent
# Generated cases for each operation and phase; `make fuzz` asks for far more, each time other ones.
CASES = os.environ.get("HERALD_TEST_FUZZ_CASES")
SEED = () if CASES else ("--seed", "1")


@pytest.mark.timeout(7200 if CASES else 300)
async def test_no_answer_is_outside_of_the_document(make_stack: MakeStack) -> None:
    stack = await make_stack("api", "planner", env={"HERALD_TRUSTED_PROXIES": "127.0.0.1"})
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", FOLDER / "schemathesis.toml"),
        *("run", f"{stack.api_url}/openapi.json", "--max-examples", CASES or "10", "--continue-on-failure", *SEED),
    ]
    told = {"SCHEMATHESIS_HOOKS": "tests.contract.hooks", "HERALD_TEST_TOKEN": ADMIN_TOKEN}
    told[ENDED_MAILING] = str(await an_ended_mailing(stack))
    tried = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stdout + tried.stderr


async def an_ended_mailing(stack: Stack) -> int:
    end = datetime.now(UTC) + timedelta(hours=1)
    body = {"text": "Hello", "end_at": end.isoformat(), "filter": {"tags": ["nobody"]}}
    async with stack.api.post("/api/v1/mailings", json=body) as made:
        mailing_id = int((await made.json())["id"])
    async with stack.api.post(f"/api/v1/mailings/{mailing_id}/cancel") as cancelled:
        assert cancelled.status == 200

    async def ended() -> bool:
        async with stack.api.get(f"/api/v1/mailings/{mailing_id}") as shown:
            return (await shown.json())["finished_at"] is not None

    await until(ended, 30)
    return mailing_id
