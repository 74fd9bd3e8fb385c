"""herald up: runs the whole stack on this machine, without Docker."""

import asyncio
import os
from typing import Annotated

import typer

from cli.run import run
from cli.settings import DATABASE_FILE, LOG_FOLDER
from cli.stack.backing_services import refuse_fresh
from cli.stack.launch import StackOptions, environment, list_addresses, open_stack
from cli.stack.log_recorder import LogRecorder
from cli.stack.output import announce, to_terminal
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
    recorder = LogRecorder(LOG_FOLDER, to_terminal, readable="HERALD_LOG_FORMAT" not in os.environ)
    async with open_stack(options, env, announce, recorder) as stack:
        write_secret(stack.database_url, DATABASE_FILE)
        for line in list_addresses(stack):
            announce(line)
        await stack.supervisor.during(asyncio.Event().wait())
    return 0
