"""`herald bench --running` measures a running stack, and sends nothing to a real provider."""

import json
from pathlib import Path

from tests.conftest import MakeStack
from tests.support.herald_command import herald
from tests.support.stack import ADMIN_TOKEN, SECRET, Stack


def environment(stack: Stack) -> dict[str, str]:
    from services.sandbox.token import make_token

    return {
        "HERALD_API_URL": stack.api_url,
        "HERALD_TOKEN": ADMIN_TOKEN,
        "HERALD_PROVIDER_URL": f"{stack.sandbox_url}/v1",
        "HERALD_PROVIDER_TOKEN": make_token(SECRET),
    }


async def test_a_running_stack_can_be_measured_repeatedly(make_stack: MakeStack, tmp_path: Path) -> None:
    env, output = environment(await make_stack()), tmp_path / "figures.json"
    for _ in range(2):
        done = await herald("bench", "--running", "--messages", "100", "--output", str(output), env=env)
        assert done.code == 0, done
        figures = json.loads(output.read_text())
        assert (figures["messages"], figures["sent"], figures["duplicates"]) == (100, 100, 0)
        assert figures["rate"] > 0
        assert figures["bare_rate"] > 0


async def test_a_provider_that_is_not_the_sandbox_is_refused(make_stack: MakeStack) -> None:
    stack = await make_stack("api")
    done = await herald("bench", "--running", env=environment(stack) | {"HERALD_PROVIDER_URL": stack.api_url})
    assert (done.code, done.err.count("\n")) == (2, 1), done
    assert "the sandbox does not answer at HERALD_PROVIDER_URL" in done.err
    async with stack.api.get("/api/v1/clients") as reply:
        assert (await reply.json())["items"] == []
