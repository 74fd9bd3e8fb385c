"""The whole document against the running API: whatever schemathesis can think of, and nothing undocumented back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeStack
from tests.stack import ADMIN_TOKEN

CASES = os.environ.get("HERALD_TEST_FUZZ_CASES", "10")
FOLDER = Path(__file__).parent


@pytest.mark.timeout(1800)
async def test_no_answer_is_outside_of_the_document(make_stack: MakeStack) -> None:
    stack = await make_stack("api", "planner")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "schemathesis.toml")),
        *("run", f"{stack.api_url}/openapi.json", "--max-examples", CASES, "--continue-on-failure"),
    ]
    env = os.environ | {"SCHEMATHESIS_HOOKS": "tests.contract.hooks", "HERALD_TEST_TOKEN": ADMIN_TOKEN}
    tried = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stdout + tried.stderr
