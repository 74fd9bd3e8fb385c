"""Processes start, stop and fail with the right exit code and log lines."""

import asyncio
import json
import os
import signal
import socket
import subprocess

import pytest

from shared.process import until_stopped
from shared.waiting import Stopped
from tests.unit.shared import child

PROCESS = """
import asyncio, sys
from shared import process
from shared.settings import Settings, SettingsError
from shared.waiting import Stopped

async def main(config, stop):
    sys.stderr.write("running\\n")
    sys.stderr.flush()
    {body}

sys.exit(process.run("planner", Settings, main{how}))
"""
# Nobody listens on port 1.
AWAY = {"HERALD_DATABASE_URL": "postgresql://127.0.0.1:1/herald", "HERALD_OPS_PORT": "0"}


def ended_after(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    process.communicate(timeout=child.PATIENCE_SECONDS)
    return process.returncode


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return", 0),
        ("raise Stopped", 0),
        ("raise ExceptionGroup('all', [Stopped(), ExceptionGroup('inner', [Stopped()])])", 0),
        ("raise RuntimeError('broken')", 1),
        ("raise ExceptionGroup('all', [Stopped(), RuntimeError('broken')])", 1),
        ("raise SettingsError('HERALD_X: broken')", 2),
        ("raise ExceptionGroup('all', [SettingsError('HERALD_X: broken'), RuntimeError('broken')])", 2),
    ],
)
def test_the_exit_code_shows_how_it_ended(body: str, code: int) -> None:
    assert child.run("-c", PROCESS.format(body=body, how="")).returncode == code


@pytest.mark.parametrize("body", ["await stop.wait()", "await process.until_stopped(stop, asyncio.sleep(60))"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(body: str, number: signal.Signals) -> None:
    with child.started("-c", PROCESS.format(body=body, how="")) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "running\n"
        assert ended_after(process, number) == 0


@pytest.mark.parametrize(("how", "niceness"), [("", 8), (", background=False", 0)])
def test_a_background_process_lowers_its_priority(how: str, niceness: int) -> None:
    here = os.getpriority(os.PRIO_PROCESS, 0)
    ended = child.run("-c", PROCESS.format(body="import os; sys.stderr.write(f'nice {os.nice(0)}')", how=how))
    assert ended.stderr == f"running\nnice {here + niceness}"


def test_cycles_are_not_looked_for_among_what_was_imported() -> None:
    ended = child.run("-c", PROCESS.format(body="import gc; sys.stderr.write(str(len(gc.get_objects())))", how=""))
    assert int(ended.stderr.removeprefix("running\n")) < 5_000


@pytest.mark.parametrize(
    ("service", "variable", "value"),
    [
        ("planner", "HERALD_LOG_LEVEL", "loud"),
        ("planner", "HERALD_RETRY_DELAYS", "30s,5s"),
        ("planner", "HERALD_JOBS_HIGH_WATERMARK", "0"),
        ("planner", "HERALD_DATABASE_URL", "mysql://herald:hush@db/herald"),
        ("dispatcher", "HERALD_PROVIDER_TIMEOUT", "26"),
        ("dispatcher", "HERALD_PROVIDER_URL", "provider"),
        ("reporter", "HERALD_OPS_PORT", "http"),
        ("reporter", "HERALD_DECLARE", "perhaps"),
    ],
)
def test_a_wrong_setting_ends_a_service_with_one_line_that_names_it(service: str, variable: str, value: str) -> None:
    usual = {"HERALD_PROVIDER_TOKEN": "hush", "HERALD_OPS_PORT": "0"}
    ended = child.run("-m", f"services.{service}", **{**usual, variable: value})
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"herald {service}: {variable}: ")
    assert ended.stderr.count("\n") == 1
    assert "hush" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("service", ["api", "reporter"])
def test_a_taken_ops_port_ends_a_service_with_one_line_that_names_its_variable(service: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = child.run("-m", f"services.{service}", HERALD_OPS_PORT=port, HERALD_API_PORT="0")
    error = f"HERALD_OPS_PORT: 127.0.0.1:{port} cannot be used: Address already in use"
    assert (ended.returncode, ended.stderr) == (2, f"herald {service}: {error}\n")


def test_a_missing_setting_is_named() -> None:
    ended = child.run("-m", "services.dispatcher")
    assert (ended.returncode, ended.stderr) == (2, "herald dispatcher: HERALD_PROVIDER_TOKEN: is required\n")


@pytest.mark.parametrize("service", ["planner", "dispatcher", "reporter"])
def test_a_service_that_waits_for_its_database_stops_cleanly(service: str) -> None:
    with child.started("-m", f"services.{service}", HERALD_PROVIDER_TOKEN="hush", **AWAY) as process:
        assert process.stdout is not None
        while "waiting for the database" not in process.stdout.readline():
            assert process.poll() is None
        assert ended_after(process, signal.SIGTERM) == 0


async def test_tasks_run_until_stop() -> None:
    stop, ended = asyncio.Event(), []

    async def endless(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    running = asyncio.create_task(until_stopped(stop, endless("a"), endless("b")))
    await asyncio.sleep(0)
    assert not running.done()
    stop.set()
    await running
    assert sorted(ended) == ["a", "b"]


async def test_a_task_that_fails_ends_them_all() -> None:
    async def fail() -> None:
        raise Stopped

    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ExceptionGroup) as failure:
        await until_stopped(asyncio.Event(), endless(), fail())
    assert ended.is_set()
    assert failure.group_contains(Stopped)


@pytest.mark.parametrize(
    "body",
    [
        # A task that nobody waits for, a callback, and an object that fails as it goes.
        "asyncio.ensure_future(fail()); await asyncio.sleep(0); import gc; gc.collect()",
        "asyncio.get_running_loop().call_soon(lambda: int(SECRET)); await asyncio.sleep(0)",
        "F()",
    ],
)
def test_an_uncaught_error_is_a_line_of_the_log_without_its_values(body: str) -> None:
    code = PROCESS.format(body=body, how="").replace(
        "async def main",
        "SECRET = 'a text and 79991234567'\n"
        "async def fail():\n    raise ValueError(SECRET)\n"
        "class F:\n    def __del__(self): raise ValueError(SECRET)\n"
        "async def main",
    )
    ended = child.run("-c", code)
    assert ended.stderr == "running\n"
    [line] = [line for line in map(json.loads, ended.stdout.splitlines()) if line["event"] == "uncaught error"]
    assert line["exception"].endswith("ValueError")
    assert "79991234567" not in ended.stdout
    assert "a text" not in ended.stdout
