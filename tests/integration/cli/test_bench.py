"""`herald bench` measures a stack of its own or a running one, and sends nothing to a real provider."""

import json
from pathlib import Path

import aiohttp

from bench.hostile_requests import Attacker
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


async def test_the_pipeline_is_measured_with_what_a_message_costs(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    env = {"HERALD_DATABASE_URL": database_url, "HERALD_RABBITMQ_URL": broker_url}
    load = {"messages": 100, "mailings": 2, "workers": 1, "concurrency": 20, "latency_ms": 5, "failures": 0.0}
    options = [text for name, value in load.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    done = await herald("bench", *options, env=env, folder=tmp_path)
    assert done.code == 0, f"{done.out}\n{done.err}"
    figures = json.loads((tmp_path / "bench.json").read_text())
    assert (figures["sent"], figures["duplicates"], figures["workload"]) == (100, 0, load)
    assert figures["course"]["expansion_seconds"] >= 0
    assert min(figures["course"]["first_rate"], figures["course"]["last_rate"]) >= 0
    cost = figures["cost"]
    used = cost["by_process_us"]
    herald_processes = {"sandbox", "api", "planner", "dispatcher", "reporter"}
    assert set(used) == herald_processes | {"RabbitMQ", "PostgreSQL"}
    assert all(used[name] >= 0 for name in herald_processes)
    # In containers, broker and database are not among the processes that can be read.
    assert (cost["total_us"] is None) == (None in used.values())
    assert cost["bare_us"] > 0
    assert cost["wal_bytes"] > 0
    assert "what a message costs" in done.out


async def test_a_real_provider_is_not_made_slow_or_failing(tmp_path: Path) -> None:
    env = {"HERALD_PROVIDER_URL": "https://provider.invalid/v1", "HERALD_PROVIDER_TOKEN": "theirs"}
    done = await herald("bench", "--failures", "0.5", env=env, folder=tmp_path)
    assert (done.code, "only the sandbox" in done.err) == (2, True), done


async def test_every_hostile_request_of_the_bench_gets_the_answer_that_it_should(make_stack: MakeStack) -> None:
    stack = await make_stack("api")
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(stack.api_url, headers=headers) as session:
        attacker = Attacker(session, stack.api_url, ADMIN_TOKEN)
        answers = {name: await attack() for name, (attack, _) in attacker.attacks.items()}
    assert answers == {
        "gzip bomb of 10 million line ends": "413",
        "gzip bomb of 300 million line ends": "413",
        "import of 200,000 bad lines": "200",
        "111,000 unknown keys": "400",
        "slow readers of an export": "abandoned",
        "HEAD with gzip": "200",
        "malformed HTTP": "400",
        "wrong tokens": "401",
    }
