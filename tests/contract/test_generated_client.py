"""The client that a public generator makes from docs/openapi.json works without changes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeStack
from tests.support.stack import ADMIN_TOKEN

ROOT = Path(__file__).parents[2]
# The generator has an environment of its own, made by `make setup`: see docs/decisions/0011-client-generator.md.
PROGRAMS = Path(sys.prefix) / "generator" / "bin"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The folder in which the package herald_client was generated."""
    if not PROGRAMS.exists():
        pytest.fail("the client generator is not installed: run `make setup`", pytrace=False)
    command: list[str | Path] = [
        *(PROGRAMS / "openapi-python-client", "generate", "--path", ROOT / "docs" / "openapi.json"),
        *("--output-path", tmp_path / "herald_client", "--meta", "none"),
    ]
    run(command, {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"})
    return tmp_path


def run(command: list[str | Path], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_operation_is_generated(package: Path) -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    found = {path.stem.replace("_", "") for path in (package / "herald_client" / "api").rglob("*.py")}
    wanted = {op["operationId"].lower() for methods in document["paths"].values() for op in methods.values()}
    assert wanted - found == set()


async def test_a_generated_client_creates_a_mailing(package: Path, make_stack: MakeStack) -> None:
    stack = await make_stack("api")
    script = Path(__file__).with_name("use_client.py")
    printed = run([PROGRAMS / "python", script, stack.api_url, ADMIN_TOKEN], {"PYTHONPATH": str(package)})
    mailing = json.loads(printed)
    assert (mailing["text"], mailing["filter"]["tags"]) == ("Hello", ["vip"])
    async with stack.api.get("/api/v1/clients?tag=imported") as reply:
        assert len((await reply.json())["items"]) == 2
    async with stack.api.get(f"/api/v1/mailings/{mailing['id']}") as reply:
        assert (await reply.json())["end_at"] == mailing["end_at"].replace("+00:00", "Z")
