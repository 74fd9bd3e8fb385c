"""herald up: runs the whole stack on this machine, without Docker."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

import typer

from cli.run import run
from cli.settings import DATABASE_FILE, LOG_FOLDER
from cli.stack.backing_services import refuse_fresh
from cli.stack.launch import StackOptions, environment, list_addresses, open_stack
from cli.stack.log_follower import follow_logs
from cli.stack.output import LineSink, announce, batch_writer, to_terminal, to_terminal_escaped
from cli.stack.signals import run_until_signal
from cli.stack.state import write_secret
from shared import logs


def up_command(
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of dispatchers.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the data of earlier runs first.")] = False,
) -> None:
    """Run the whole stack on this machine, without Docker, until Ctrl-C."""
    run(_up(StackOptions(workers=workers, fresh=fresh)))


async def _up(options: StackOptions) -> int:
    env = environment()
    logs.configure("herald", level="error", json=False)
    if options.fresh:
        refuse_fresh(env)
    code = await run_until_signal(_stay_up(options, env), lambda: announce("stopping"))
    announce("stopped")
    return code or 0


async def _stay_up(options: StackOptions, env: dict[str, str]) -> int:
    # A log format that the user has chosen is shown as it is.
    readable = "HERALD_LOG_FORMAT" not in os.environ
    if env["HERALD_LOG_FORMAT"] != "json":
        return await _run(options, env, to_terminal, asyncio.Event().wait)
    # The processes write their lines to files, which `herald trace` reads. What they print beside them comes here.
    options = replace(options, logs=LOG_FOLDER.resolve())
    render = logs.renderer(colours=sys.stdout.isatty()) if readable else None
    async with follow_logs(LOG_FOLDER, batch_writer(sys.stdout), render) as following:
        return await _run(options, env, to_terminal_escaped if readable else to_terminal, lambda: _wait(following))


async def _wait(task: "asyncio.Task[None]") -> None:
    await asyncio.shield(task)


async def _run(
    options: StackOptions, env: dict[str, str], sink: LineSink, work: Callable[[], Coroutine[Any, Any, object]]
) -> int:
    async with open_stack(options, env, announce, sink) as stack:
        write_secret(stack.database_url, DATABASE_FILE)
        for line in list_addresses(stack):
            announce(line)
        await stack.supervisor.during(work())
    return 0
