"""herald up: the whole stack on this machine, without Docker."""

import asyncio
import os
from typing import Annotated

import typer

from cli.run import run
from cli.settings import DATABASE_FILE, LOG_FOLDER
from cli.stack.journal import Journal
from cli.stack.output import to_terminal
from cli.stack.running import Options, Stack, environment, open_stack
from cli.stack.services import refuse_fresh
from cli.stack.signals import until_told
from cli.stack.state import keep_secret
from shared import logs


def up_command(
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many dispatchers")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the data of earlier runs first")] = False,
) -> None:
    """Runs the whole stack on this machine without Docker, until Ctrl-C."""
    run(_up(Options(workers=workers, fresh=fresh)))


async def _up(options: Options) -> int:
    env = environment()
    logs.configure("herald", level="error", json=False)
    if options.fresh:
        refuse_fresh(env)
    code = await until_told(_stay_up(options, env), lambda: say("stopping"))
    say("stopped")
    return code or 0


async def _stay_up(options: Options, env: dict[str, str]) -> int:
    # Who chose a format sees the lines in it.
    journal = Journal(LOG_FOLDER, to_terminal, readable="HERALD_LOG_FORMAT" not in os.environ)
    async with open_stack(options, env, say, journal) as stack:
        keep_secret(stack.database_url, DATABASE_FILE)
        for line in describe(stack):
            say(line)
        await stack.crew.during(asyncio.Event().wait())
    return 0


def say(line: str) -> None:
    to_terminal("herald", line)


def describe(stack: Stack) -> list[str]:
    """Returns where everything is."""
    lines = [
        "everything is ready",
        f"console           {stack.api_url}/",
        f"API               {stack.api_url}/api/v1",
        f"token             {stack.token}",
        f"database          {stack.database_url}",
    ]
    if stack.sandbox_url:
        lines.append(f"sandbox's ledger  {stack.sandbox_url}/ledger")
    return [*lines, "Ctrl-C stops everything"]
