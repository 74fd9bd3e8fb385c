"""The running API answers generated requests of schemathesis only as its OpenAPI document says."""

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

ENV = {"HERALD_TRUSTED_PROXIES": "127.0.0.1", "HERALD_STOP_LIST_KEY": "k" * 40}
FOLDER = Path(__file__).parent
# The number of cases for each operation and phase. `make fuzz` generates many more, and others at each run.
CASES = os.environ.get("HERALD_TEST_FUZZ_CASES")
# Boundary cases of every value of every body take many minutes: they are for `make fuzz`.
SEED = () if CASES else ("--seed", "1", "--phases", "examples,fuzzing,stateful")


@pytest.mark.timeout(7200 if CASES else 500)
async def test_every_answer_is_documented(make_stack: MakeStack) -> None:
    stack = await make_stack("api", "planner", env=ENV)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", FOLDER / "schemathesis.toml"),
        *("run", f"{stack.api_url}/openapi.json", "--max-examples", CASES or "6", "--continue-on-failure", *SEED),
    ]
    env = {"SCHEMATHESIS_HOOKS": "tests.contract.hooks", "HERALD_TEST_TOKEN": ADMIN_TOKEN}
    env[ENDED_MAILING] = str(await an_ended_mailing(stack))
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def an_ended_mailing(stack: Stack) -> int:
    """Creates and cancels a mailing, and returns its id once it is closed."""
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
