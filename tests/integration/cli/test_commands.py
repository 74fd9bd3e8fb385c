"""The commands with a real API, a real database and a real broker."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from cli.commands.report import count_dead_letters
from tests.conftest import MakeStack
from tests.support.herald_command import environment, herald, running
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.polling import until
from tests.support.ports import take_ports
from tests.support.relay import Relay
from tests.support.services.databases import execute, with_database
from tests.support.services.run import need
from tests.support.stack import ADMIN_TOKEN

EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


async def test_clients_go_in_and_come_out(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = await make_stack("api")
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    file = tmp_path / "CLIENTS.CSV"
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
    done = await herald(
        "mailings", "create", "--text", "[red]hi[/red]", "--end-at", "+5min", "--yes", "--watch", env=env
    )
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
        (["mailings", "create", "--text", "hi", "--end-at", "2020-01-01T00:00:00Z", "--yes"], 1, "end_at"),
        (["mailings", "create", "--text", "hi", "--end-at", "2030-01-01T00:00:00Z", "--window", "9-21"], 2, "window"),
        (["mailings", "create", "--text", "hi", "--end-at", "soon"], 2, "tomorrow 09:00"),
        (["mailings", "resend", "1", "--status", "sent"], 2, "expired"),
        (["mailings", "list", "--limit", "0"], 2, "must be at least 1"),
        (["mailings", "list", "--status", "gone"], 2, "scheduled"),
        (["mailings", "show", "one"], 2, "must be a whole number"),
        (["mailings", "show", "99"], 1, "no such mailing"),
        (["mailings", "edit", "99"], 2, "--end-at"),
        (["mailings", "delete", "99"], 1, "no such mailing"),
        (["clients", "show", "79990001000"], 1, "no client with the phone"),
        (["clients", "create", "12"], 1, "must be 7 and ten more digits"),
        (["dead-letters", "drop", "nonsense"], 1, "ids of dead letters"),
        (["bench", "--failures", "2"], 2, "must be at most 0.95"),
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


async def test_a_token_is_created_used_listed_and_revoked(
    make_stack: MakeStack, pool: asyncpg.Pool, database_url: str
) -> None:
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
    nobody = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    assert "no sessions" in (await herald("sessions", "list", env=nobody)).err
    assert "no session 7" in (await herald("sessions", "end", "7", "--yes", env=nobody)).err

    assert (await herald("token", "revoke", "ci", env=database)).code == 0
    assert (await herald("token", "revoke", "ci", env=database)).code == 1
    bad = await herald("token", "create", "no spaces", "--role", "viewer", env=database)
    assert (bad.code, "no spaces" in bad.err) == (1, True)
    told = await pool.fetch("SELECT kind, detail ->> 'whose' AS whose, detail ->> 'by' AS by FROM events ORDER BY id")
    assert [(row["kind"], row["whose"]) for row in told] == [("token_created", "ci"), ("token_revoked", "ci")]
    assert all(row["by"].startswith("command:") for row in told)


async def test_the_topology_is_declared_and_shown_and_the_report_counts_dead_letters(
    broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"HERALD_RABBITMQ_URL": broker_url, "HERALD_RETRY_DELAYS": "7s"}
    monkeypatch.setenv("HERALD_RABBITMQ_URL", broker_url)
    assert await count_dead_letters() is None
    for _ in range(2):
        done = await herald("topology", env=env)
        assert done.code == 0, done.err
        assert "dispatcher.retry.7s" in done.out
    assert await count_dead_letters() == 0


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


async def test_clients_are_found_edited_and_deleted(make_stack: MakeStack) -> None:
    env = {"HERALD_API_URL": (await make_stack("api")).api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    made = await herald("clients", "create", "+7 (999) 000-10-00", "--tag", "vip", "--json", env=env)
    assert json.loads(made.out)["phone"] == "79990001000", made.err
    for words in (["search", "8 999 000 10 00"], ["search", "999"], ["search", "vip"], ["list", "--tag", "vip"]):
        found = await herald("clients", *words, "--json", env=env)
        assert json.loads(found.out)["id"] == 1, (words, found)
    edited = await herald("clients", "edit", "79990001000", "--tag", "", "--timezone", "Europe/Moscow", env=env)
    assert (edited.code, "Europe/Moscow" in edited.out) == (0, True), edited
    none = await herald("clients", "list", "--tag", "vip", env=env)
    assert (none.code, none.out, none.err) == (0, "", "herald: no clients\n")
    asked = await herald("clients", "delete", "1", env=env)
    assert (asked.code, "79990001000" in asked.err, "--yes" in asked.err) == (2, True, True), asked
    assert (await herald("clients", "delete", "1", "--yes", env=env)).code == 0
    assert (await herald("clients", "show", "1", env=env)).code == 1


async def test_a_mailing_to_everybody_is_confirmed_with_their_number(make_stack: MakeStack) -> None:
    stack = await make_stack("api")
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    async with stack.api.post("/api/v1/clients", json={"phone": "79990001000"}) as reply:
        assert reply.status == 201
    words = ["mailings", "create", "--text", "hi", "--end-at", "tomorrow 09:00"]
    refused = await herald(*words, env=env)
    assert (refused.code, "1 client will get this mailing" in refused.err) == (2, True), refused
    listed = await herald("mailings", "list", env=env)
    assert (listed.out, listed.err) == ("", "herald: no mailings\n")
    for more in (["--tag", "vip"], ["--yes"], ["--yes"]):
        assert (await herald(*words, *more, env=env)).code == 0

    page = await herald("mailings", "list", "--limit", "2", "--json", env=env)
    assert [json.loads(line)["id"] for line in page.out.splitlines()] == [3, 2]
    assert page.err == "herald: only the first 2 mailings: --limit shows more\n"
    edited = await herald("mailings", "edit", "1", "--text", "hello", "--window", "09:00-21:00", "--json", env=env)
    assert json.loads(edited.out)["window"] == {"from": "09:00", "to": "21:00", "days": EVERY_DAY}, edited.err
    deleted = await herald("mailings", "delete", "1", "--yes", env=env)
    assert deleted.out == "mailing 1 is deleted\n"
    assert (await herald("mailings", "events", "2", "--json", env=env)).out.count("created") == 1


async def test_the_messages_of_a_mailing_are_listed_and_exported(make_stack: MakeStack, pool: asyncpg.Pool) -> None:
    env = {"HERALD_API_URL": (await make_stack("api", "planner")).api_url, "HERALD_TOKEN": ADMIN_TOKEN}
    await add_clients(pool, 3)
    mailing_id = await add_mailing(pool)

    async def is_expanded() -> bool:
        return bool(await pool.fetchval("SELECT count(*) = 3 FROM messages"))

    await until(is_expanded, 20)
    listed = await herald("mailings", "messages", str(mailing_id), "--status", "pending", "--json", env=env)
    assert [json.loads(line)["status"] for line in listed.out.splitlines()] == ["pending"] * 3, listed
    csv = await herald("mailings", "messages", str(mailing_id), "--csv", env=env)
    assert (csv.out.count("\n"), csv.out.startswith("id,")) == (4, True), csv
    assert "pending" in (await herald("mailings", "messages", str(mailing_id), env=env)).out


async def test_an_error_comes_without_a_progress_bar(make_stack: MakeStack, tmp_path: Path) -> None:
    env = {"HERALD_API_URL": (await make_stack("api")).api_url, "HERALD_TOKEN": ADMIN_TOKEN, "FORCE_COLOR": "1"}
    file = tmp_path / "clients.csv"
    file.write_text("telephone\n1\n")
    wrong = env | {"HERALD_TOKEN": "wrong"}
    for words, given in (
        (["clients", "import", str(file)], env),
        (["mailings", "watch", "99"], env),
        (["clients", "import", str(file)], wrong),
        (["clients", "export"], wrong),
    ):
        done = await herald(*words, env=given)
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1), done


async def test_a_reader_that_has_enough_is_no_error(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = await make_stack("api")
    lines = "\n".join(["phone", *(f"7999000{ending}" for ending in range(1000, 6000))])
    async with stack.api.post("/api/v1/clients/import", data=lines, headers={"Content-Type": "text/csv"}) as reply:
        assert reply.status == 200
    env = environment({"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN})
    command = f"{sys.executable} -m cli.main clients list --limit 5000 --json | head -1; echo ${{PIPESTATUS[0]}}"
    process = await asyncio.create_subprocess_exec("bash", "-c", command, env=env, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert (out.splitlines()[-1], err) == (b"0", b"")
    for words in ("clients list --json", "clients export", "clients list"):
        command = f"{sys.executable} -m cli.main {words} > /dev/full"
        process = await asyncio.create_subprocess_exec("bash", "-c", command, env=env, stderr=PIPE)
        _, err = await process.communicate()
        assert (process.returncode, err) == (1, b"herald: the output cannot be written: No space left on device\n")


async def test_an_argument_that_is_no_text_is_refused_and_never_left_out(tmp_path: Path) -> None:
    for words in (("clients", "list", "--tag", "\udcff"), ("token", "revoke", "\udcff"), ("\udcff",)):
        done = await herald(*words, env={"PYTHONUTF8": "1"}, folder=tmp_path)
        assert (done.code, done.out) == (2, ""), done
        assert "not text in UTF-8" in done.err
    named = tmp_path / "\udcff.csv"
    named.write_text("phone\n")
    done = await herald("clients", "import", str(named), env={"HERALD_API_URL": "http://127.0.0.1:1"}, folder=tmp_path)
    assert "the API does not answer" in done.err, done


async def test_the_report_is_of_a_day_that_has_neighbours(tmp_path: Path) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        done = await herald("report", "--date", day, folder=tmp_path)
        assert (done.code, done.err) == (2, "herald: --date must be between the years 1970 and 9998\n"), done


async def test_wrong_addresses_and_tokens_are_named(tmp_path: Path) -> None:
    for name, value, words in (
        ("HERALD_TOKEN", "a\nb", "visible ASCII"),
        ("HERALD_TOKEN", "\u0436", "visible ASCII"),
        ("HERALD_API_URL", "http://[::1", "it is not a URL"),
        ("HERALD_API_URL", "http://127.0.0.1:99999", "it is not a URL"),
        ("HERALD_API_URL", "http://", "it is not a URL"),
        ("HERALD_DATABASE_URL", "postgresql://127.0.0.1:99999/x", "no valid host and port"),
    ):
        command = ("token", "list") if name == "HERALD_DATABASE_URL" else ("clients", "list")
        done = await herald(*command, env={name: value}, folder=tmp_path)
        assert (done.code, done.err.count("\n")) == (2, 1), done
        assert done.err.startswith(f"herald: {name}: "), done
        assert words in done.err


async def test_elsewhere_a_command_says_what_to_do(tmp_path: Path) -> None:
    port = str(take_ports())
    for words in (["mailings", "list"], ["clients", "list"]):
        away = {"HERALD_API_URL": f"http://127.0.0.1:{port}"}
        assert "HERALD_API_URL" in (await herald(*words, env=away, folder=tmp_path)).err
    for words in (["token", "list"], ["migrate"], ["trace", "--mailing", "1"]):
        done = await herald(*words, env={"PGPORT": port}, folder=tmp_path)
        assert done.code != 0, done
        assert "in the folder where `herald up` runs" in done.err, done
