"""herald trace with a real database."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import asyncpg
import orjson
import pytest

from tests.support.herald_command import environment, herald
from tests.support.mailing_rows import add_clients, add_mailing


def a_line(**fields: object) -> bytes:
    line = {"time": "2026-05-04T12:00:00.5Z", "level": "info", "service": "planner", "event": "started", **fields}
    return orjson.dumps(line) + b"\n"


@pytest.mark.parametrize("kind", ["mailing", "message", "client"])
async def test_an_unknown_id_is_one_line(database_url: str, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "api.log"
    file.write_bytes(a_line(mailing_id=1, message_id=1, client_id=1))
    done = await herald("trace", f"--{kind}", "42", str(file), env={"HERALD_DATABASE_URL": database_url})
    assert (done.code, done.out, done.err) == (1, "", f"herald: there is no {kind} 42\n")


async def test_lines_are_shown_for_an_id_that_is_only_in_the_logs(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "api.log"
    file.write_bytes(a_line(mailing_id=1, message_id=42))
    done = await herald("trace", "--message", "42", str(file), env={"HERALD_DATABASE_URL": database_url})
    assert (done.code, done.out.splitlines()) == (
        0,
        ["message 42, which is not in the database", "2026-05-04 12:00:00.500Z  planner      started"],
    )


async def test_a_file_that_cannot_be_read_is_one_line(database_url: str, tmp_path: Path) -> None:
    env = {"HERALD_DATABASE_URL": database_url}
    for path, reason in ((tmp_path / "none.log", "No such file or directory"), (tmp_path, "Is a directory")):
        done = await herald("trace", "--message", "1", str(path), env=env)
        assert (done.code, done.out, done.err) == (2, "", f"herald: {path} cannot be read: {reason}\n")


@pytest.mark.parametrize("options", [(), ("--message", "1", "--client", "2"), ("--message", "0"), ("--client", "x")])
async def test_none_or_several_targets_are_refused(options: tuple[str, ...]) -> None:
    assert (await herald("trace", *options)).code == 2


async def test_a_database_that_is_away_is_one_line(free_port: int) -> None:
    env = {"HERALD_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{free_port}/none"}
    done = await herald("trace", "--message", "1", env=env)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "HERALD_DATABASE_URL" in done.err


async def test_logs_may_come_from_a_pipe_with_the_names_of_containers(pool: asyncpg.Pool, database_url: str) -> None:
    await add_clients(pool, 1)
    mailing_id = await add_mailing(pool)
    logs = b"planner-1  | " + a_line(mailing_id=mailing_id) + b"rabbitmq-1  | started\n"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "trace", "--mailing", str(mailing_id), "-"),
        env=environment({"HERALD_DATABASE_URL": database_url}),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate(logs)
    assert (process.returncode, err) == (0, b"")
    title, logged, stands = out.decode().splitlines()
    assert title.startswith(f"mailing {mailing_id}: ")
    assert "planner-1    started" in logged
    assert "mailing stands           status=scheduled" in stands


async def test_without_logs_the_history_is_shown_with_a_note(
    pool: asyncpg.Pool, database_url: str, tmp_path: Path
) -> None:
    (client_id,) = await add_clients(pool, 1)
    env = {"HERALD_DATABASE_URL": database_url, "PYTHONPATH": os.getcwd()}
    done = await herald("trace", "--client", str(client_id), env=env, folder=tmp_path)
    assert done.code == 0
    assert done.out.startswith(f"client {client_id} (7000***1000), UTC\n")
    assert done.err == "herald: no log files were found: only what the database knows is shown\n"
    (tmp_path / "console.log").write_text("2026-05-04 12:00:00 [info] started\n")
    done = await herald("trace", "--client", str(client_id), "console.log", env=env, folder=tmp_path)
    assert "HERALD_LOG_FORMAT=json" in done.err
