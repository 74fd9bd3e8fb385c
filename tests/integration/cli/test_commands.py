"""The commands with a real API, a real database and a real broker."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.herald_command import herald, running
from tests.support.ports import take_ports
from tests.support.relay import Relay
from tests.support.services.databases import execute, with_database
from tests.support.services.run import need
from tests.support.stack import ADMIN_TOKEN


async def test_clients_go_in_and_come_out(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = await make_stack("api")
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    file = tmp_path / "clients.csv"
    lines = [f"7999000{ending},vip" for ending in range(1000, 3000)]
    file.write_text("\n".join(["phone,tag", *lines, "79990001000x,vip", ""]))

    done = await herald("clients", "import", str(file), env=env)
    assert done.code == 0, done.err
    assert "2000" in done.out
    assert "2002" in done.out, "the number of the rejected line is shown"

    done = await herald("clients", "export", "--format", "ndjson", env=env)
    assert done.code == 0, done.err
    clients = [json.loads(line) for line in done.out.splitlines()]
    assert len(clients) == 2000
    assert clients[0]["tag"] == "vip"

    target = tmp_path / "out.csv"
    done = await herald("clients", "export", str(target), env=env)
    assert done.code == 0, done.err
    assert len(target.read_text().splitlines()) == 2001


async def test_a_mailing_is_created_watched_and_shown(make_stack: MakeStack) -> None:
    stack = await make_stack()
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    async with stack.api.post("/api/v1/clients", json={"phone": "79990001000", "tag": "vip"}) as reply:
        assert reply.status == 201
    end_at = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    done = await herald("mailings", "create", "--text", "[red]hi[/red]", "--end-at", end_at, "--watch", env=env)
    assert done.code == 0, done.err
    assert "finished" in done.out
    assert "[red]hi[/red]" in done.out, "values are never interpreted as markup"
    listed, shown = await asyncio.gather(
        herald("mailings", "list", "--status", "finished", env=env), herald("mailings", "show", "1", env=env)
    )
    assert "finished" in listed.out
    assert "by_status.sent" in shown.out
    refused = await herald("mailings", "cancel", "1", env=env)
    assert (refused.code, refused.err.count("\n")) == (1, 1)


async def test_a_preview_counts_and_creates_nothing(make_stack: MakeStack) -> None:
    stack = await make_stack("api")
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    async with stack.api.post("/api/v1/clients", json={"phone": "79990001000", "tag": "[b]vip"}) as reply:
        assert reply.status == 201
    end_at = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    done = await herald("mailings", "create", "--text", "hi", "--end-at", end_at, "--preview", env=env)
    assert done.code == 0, done.err
    assert "recipients" in done.out
    assert "tag [b]vip" in done.out
    async with stack.api.get("/api/v1/mailings") as reply:
        assert (await reply.json())["items"] == []


async def test_a_mailing_is_paused_resumed_and_cancelled(make_stack: MakeStack) -> None:
    stack = await make_stack("api")
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    end_at = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    done = await herald(
        "mailings",
        "create",
        "--text",
        "hi",
        "--end-at",
        end_at,
        "--operator",
        "999",
        "--window",
        "09:00-21:00",
        env=env,
    )
    assert done.code == 0, done.err
    await stack.start("planner")
    for action, status in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        done = await herald("mailings", action, "1", env=env)
        assert status in done.out or done.code == 1, (action, done)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        # A missing deadline is a usage error; a past one is refused by the API.
        (["mailings", "create", "--text", "hi"], 2, "--end-at"),
        (["mailings", "create", "--text", "hi", "--end-at", "2020-01-01T00:00:00Z"], 1, "end_at"),
        (["mailings", "create", "--text", "hi", "--end-at", "2030-01-01T00:00:00Z", "--window", "9-21"], 2, "window"),
        (["mailings", "show", "99"], 1, "no such mailing"),
        (["mailings", "show", "0"], 2, "ID"),
        (["clients", "import", "nowhere.csv"], 2, "nowhere.csv"),
        (["clients", "import", "README.md"], 2, "--format"),
    ],
)
async def test_an_error_is_one_clear_line(make_stack: MakeStack, arguments: list[str], code: int, words: str) -> None:
    env = {"HERALD_API_URL": "http://127.0.0.1:1", "HERALD_TOKEN": ADMIN_TOKEN}
    if code == 1:
        env["HERALD_API_URL"] = (await make_stack("api")).api_url
    done = await herald(*arguments, env=env)
    assert done.code == code, done
    assert words in done.err


async def test_an_api_that_is_away_is_reported() -> None:
    done = await herald("mailings", "list", env={"HERALD_API_URL": f"http://127.0.0.1:{take_ports()}"})
    assert done.code == 1
    assert "HERALD_API_URL" in done.err
    assert "Traceback" not in done.err


async def test_a_wrong_token_is_reported(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = await make_stack("api")
    done = await herald("mailings", "list", env={"HERALD_API_URL": stack.api_url}, folder=tmp_path)
    assert done.code == 1
    assert "HERALD_TOKEN" in done.err


async def test_a_token_is_created_used_listed_and_revoked(make_stack: MakeStack, database_url: str) -> None:
    stack = await make_stack("api")
    database = {"HERALD_DATABASE_URL": database_url}
    created = await herald("token", "create", "ci", "--role", "viewer", env=database)
    assert created.code == 0, created.err
    api = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": created.out.strip()}
    assert (await herald("mailings", "list", env=api)).code == 0
    assert (await herald("mailings", "cancel", "1", env=api)).code == 1, "a viewer changes nothing"

    again = await herald("token", "create", "ci", "--role", "admin", env=database)
    assert (again.code, "ci" in again.err) == (1, True)
    listed = await herald("token", "list", env=database)
    assert "viewer" in listed.out
    assert created.out.strip() not in listed.out

    assert (await herald("token", "revoke", "ci", env=database)).code == 0
    assert (await herald("token", "revoke", "ci", env=database)).code == 1
    bad = await herald("token", "create", "no spaces", "--role", "viewer", env=database)
    assert (bad.code, "no spaces" in bad.err) == (1, True)


async def test_the_topology_is_declared_and_shown(broker_url: str) -> None:
    env = {"HERALD_RABBITMQ_URL": broker_url, "HERALD_RETRY_DELAYS": "7s"}
    for _ in range(2):
        done = await herald("topology", env=env)
        assert done.code == 0, done.err
        assert "dispatcher.retry.7s" in done.out


async def test_the_topology_waits_for_a_broker_that_is_starting(broker_url: str, tmp_path: Path) -> None:
    async with Relay(broker_url) as relay:
        await relay.cut()
        async with running("topology", env={"HERALD_RABBITMQ_URL": relay.url}, folder=tmp_path) as command:
            await command.until("waiting for RabbitMQ")
            await relay.mend()
            await command.until("dispatcher.jobs")


async def test_migrating_twice_at_once_is_safe(run_prefix: str) -> None:
    admin, name = need("database")["url"], f"{run_prefix}_blank"
    await execute(admin, f'CREATE DATABASE "{name}"')
    env = {"HERALD_DATABASE_URL": with_database(admin, name)}
    try:
        before = await herald("token", "list", env=env)
        assert (before.code, "herald migrate" in before.err) == (1, True)
        both = await asyncio.gather(herald("migrate", env=env), herald("migrate", env=env))
        assert [done.code for done in both] == [0, 0], both
        after = await herald("token", "list", env=env)
        assert after.code == 0, after.err
    finally:
        await execute(admin, f'DROP DATABASE "{name}" WITH (FORCE)')


async def test_a_missing_database_is_reported(database_url: str) -> None:
    done = await herald("token", "list", env={"HERALD_DATABASE_URL": with_database(database_url, "no_such_database")})
    assert done.code == 2
    assert "HERALD_DATABASE_URL" in done.err


async def test_a_token_expires_when_it_was_told_to(pool: asyncpg.Pool, database_url: str) -> None:
    env = {"HERALD_DATABASE_URL": database_url}
    made = await herald("token", "create", "short", "--role", "viewer", "--expires", "30d", env=env)
    assert made.code == 0
    assert await pool.fetchval("SELECT expires_at - created_at FROM tokens") == timedelta(days=30)
    for wrong in ("", "30", "0d", "1y", "-1d"):
        refused = await herald("token", "create", "wrong", "--role", "viewer", f"--expires={wrong}", env=env)
        assert (refused.code, "12h, 30d or 8w" in refused.err) == (2, True), refused.err
    assert await pool.fetchval("SELECT count(*) FROM tokens") == 1


async def test_revoked_tokens_keep_their_name(pool: asyncpg.Pool, database_url: str) -> None:
    env = {"HERALD_DATABASE_URL": database_url}
    await herald("token", "create", "old", "--role", "viewer", env=env)
    await herald("token", "revoke", "old", env=env)
    again = await herald("token", "create", "old", "--role", "viewer", env=env)
    assert again.code == 1
    assert await pool.fetchval("SELECT count(*) FROM tokens") == 1
