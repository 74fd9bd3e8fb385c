"""herald up with the test's own database and virtual host."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from socket import socket

import aio_pika
import aiohttp
import pytest

from cli.failure import Occupied
from cli.stack.backing_services import require_empty
from shared import topology
from shared.broker import declare
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.conftest import MakeStack
from tests.support.herald_command import herald, running
from tests.support.ports import take_ports


@pytest.fixture
def env(database_url: str, broker_url: str) -> dict[str, str]:
    first = take_ports(7)
    return {
        "HERALD_DATABASE_URL": database_url,
        "HERALD_RABBITMQ_URL": broker_url,
        "HERALD_API_PORT": str(first),
        "HERALD_SANDBOX_PORT": str(first + 1),
        # The first of five, with two dispatchers.
        "HERALD_OPS_PORT": str(first + 2),
    }


def children_of(pid: int) -> dict[str, int]:
    """Returns the process ids of a stack by their command."""
    found = subprocess.run(["pgrep", "-P", str(pid), "-a"], capture_output=True, text=True, check=False)
    matches = re.findall(r"^(\d+) .*cli\.main (\w+)$", found.stdout, re.MULTILINE)
    return {command: int(child) for child, command in matches}


async def api_answers(env: Mapping[str, str], token: str) -> bool:
    url, headers = f"http://127.0.0.1:{env['HERALD_API_PORT']}", {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url, headers=headers) as session, session.get("/api/v1/mailings") as reply:
        return reply.status == 200


async def test_the_stack_starts_restarts_a_process_and_stops(env: dict[str, str], tmp_path: Path) -> None:
    async with running("up", "--workers", "2", env=env, folder=tmp_path) as up:
        await up.until("Ctrl-C stops everything")
        assert "PostgreSQL: the one of HERALD_DATABASE_URL" in up.text
        assert "RabbitMQ: the one of HERALD_RABBITMQ_URL" in up.text
        assert "dispatcher-2" in up.text
        token = (tmp_path / ".herald" / "token").read_text().strip()
        assert token not in up.text
        assert ".herald/token" in up.text
        assert await api_answers(env, token)

        targets = json.loads((tmp_path / ".herald" / "prometheus.json").read_text())
        processes = [group["labels"]["process"] for group in targets]
        assert processes == ["api", "planner", "dispatcher", "reporter", "dispatcher"]
        for address in (group["targets"][0] for group in targets):
            async with aiohttp.request("GET", f"http://{address}/metrics") as reply:
                assert "herald_build_info" in await reply.text()

        # The log lines are kept where herald trace finds them.
        kept = (tmp_path / ".herald" / "logs" / "planner.log").read_text().splitlines()
        assert "process started" in {json.loads(line)["event"] for line in kept}
        below = tmp_path / "below"
        below.mkdir()
        traced, listed, tokens, migrated, declared = await asyncio.gather(
            herald("trace", "--mailing", "1", folder=below),
            herald("mailings", "list", "--json", folder=below),
            herald("token", "list", folder=below),
            herald("migrate", folder=below),
            herald("topology", folder=below),
        )
        assert (traced.code, traced.err) == (1, "herald: there is no mailing 1\n")
        assert (listed.code, listed.out) == (0, ""), listed.err
        assert (tokens.code, migrated.code, declared.code) == (0, 0, 0), (tokens, migrated, declared)

        second = await herald("up", env=env, folder=tmp_path)
        assert (second.code, f"pid {up.process.pid}" in second.err) == (1, True)

        os.kill(children_of(up.process.pid)["planner"], signal.SIGKILL)
        await up.until("planner ended with code -9, starts again")
        up.text = ""
        await up.until("planner.consume")

        assert await up.end(signal.SIGTERM) == 0
        # Each process has logged its own stop, so none was killed, and the provider's stand-in was the last.
        stopped = re.findall(r"^(\w+)[\w-]* +.*process stopped", up.text, re.MULTILINE)
        assert sorted(stopped[:-1]) == ["api", "dispatcher", "dispatcher", "planner", "reporter"]
        assert stopped[-1:] == ["sandbox"]
        assert not re.search("error|exception|ConnectionClosed", up.text, re.IGNORECASE)
        assert not children_of(up.process.pid)
        assert not (tmp_path / ".herald" / "prometheus.json").exists()


async def test_ctrl_c_is_a_clean_end(env: dict[str, str], tmp_path: Path) -> None:
    async with running("up", env=env, folder=tmp_path) as up:
        await up.until("Ctrl-C stops everything")
        assert await up.end(signal.SIGINT) == 0
        assert "Traceback" not in up.text


async def test_a_stack_that_is_killed_leaves_no_process(env: dict[str, str], tmp_path: Path) -> None:
    async with running("up", env=env, folder=tmp_path) as up:
        await up.until("Ctrl-C stops everything")
        before = children_of(up.process.pid)
        assert len(before) == 5
        assert await up.end(signal.SIGKILL) == -signal.SIGKILL
    # The processes are gone if their ports are free for the next stack.
    async with running("up", env=env, folder=tmp_path) as up:
        await up.until("Ctrl-C stops everything")
        assert await up.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("variable", ["HERALD_API_PORT", "HERALD_SANDBOX_PORT", "HERALD_OPS_PORT"])
async def test_a_taken_port_is_named_with_its_variable(env: dict[str, str], tmp_path: Path, variable: str) -> None:
    with closing(socket()) as other:
        other.bind(("127.0.0.1", int(env[variable])))
        other.listen()
        done = await herald("up", env=env, folder=tmp_path)
    assert done.code == 1
    assert f"port {env[variable]} is taken" in done.err
    assert variable in done.err
    # The exact command of a stack beside it.
    beside = r"HERALD_API_PORT=\d+ HERALD_SANDBOX_PORT=\d+ HERALD_OPS_PORT=\d+ herald up --private-broker\n"
    assert re.search(beside, done.err)


async def test_a_wrong_setting_ends_the_stack_and_is_named(env: dict[str, str], tmp_path: Path) -> None:
    done = await herald("up", env=env | {"HERALD_MAX_ATTEMPTS": "many"}, folder=tmp_path)
    assert done.code == 2
    assert "dispatcher cannot run: HERALD_MAX_ATTEMPTS" in done.err


@pytest.mark.parametrize("variable", ["HERALD_DATABASE_URL", "HERALD_RABBITMQ_URL"])
async def test_a_given_service_is_not_emptied(tmp_path: Path, variable: str) -> None:
    done = await herald("up", "--fresh", env={variable: "somewhere://"}, folder=tmp_path)
    assert (done.code, variable in done.err) == (2, True)


async def test_a_database_that_is_away_is_reported(env: dict[str, str], tmp_path: Path) -> None:
    away = {"HERALD_DATABASE_URL": f"postgresql://127.0.0.1:{take_ports()}/herald"}
    done = await herald("up", env=env | away, folder=tmp_path)
    assert (done.code, "HERALD_DATABASE_URL" in done.err) == (1, True)


async def test_a_stack_in_use_names_the_command_of_another_beside_it(
    make_stack: MakeStack, env: dict[str, str], open_path: Path
) -> None:
    await make_stack("dispatcher")
    # With a database of its own, its messages must not go to the processes of another.
    own = {name: value for name, value in env.items() if name != "HERALD_DATABASE_URL"}
    done = await herald("up", env=own, folder=open_path)
    assert (done.code, "another Herald uses this RabbitMQ" in done.err) == (1, True), done
    assert "herald up --private-broker" in done.err


async def test_a_private_broker_and_a_given_one_exclude_each_other(env: dict[str, str], tmp_path: Path) -> None:
    done = await herald("up", "--private-broker", env=env, folder=tmp_path)
    assert (done.code, "--private-broker or HERALD_RABBITMQ_URL" in done.err) == (2, True), done


async def test_messages_of_another_database_are_not_taken_for_those_of_a_new_one(broker_url: str) -> None:
    names = [topology.DISPATCHER_DEAD, topology.DISPATCHER_JOBS]
    async with await aio_pika.connect(broker_url) as connection, connection.channel() as channel:
        await declare(connection, topology.build(DEFAULT_RETRY_DELAYS))
        await require_empty(broker_url, names, ours=True)
        await channel.default_exchange.publish(aio_pika.Message(b"{}"), topology.DISPATCHER_DEAD)
    with pytest.raises(Occupied, match=r"holds 1 message of another database .* remove it with `herald up --fresh`"):
        await require_empty(broker_url, names, ours=True)
    with pytest.raises(Occupied, match="set HERALD_RABBITMQ_URL to an empty virtual host"):
        await require_empty(broker_url, names, ours=False)
