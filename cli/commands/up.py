"""herald up: runs the whole stack on this machine, without Docker."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

import typer

from cli.connections.addresses import write_addresses
from cli.failure import Failure, Occupied
from cli.native.ports import is_free
from cli.quick_exit import end_process
from cli.run import run
from cli.settings import find_folder
from cli.stack.backing_services import refuse_fresh
from cli.stack.launch import StackOptions, environment, list_addresses, open_stack
from cli.stack.log_follower import follow_logs
from cli.stack.log_lines import line_renderer, terminal_width
from cli.stack.output import LineSink, announce, batch_writer, to_terminal, to_terminal_escaped
from cli.stack.second_stack import command_beside
from cli.stack.signals import run_until_signal
from shared import logs


def up_command(
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of dispatchers.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the data of earlier runs first.")] = False,
    private_broker: Annotated[
        bool,
        typer.Option("--private-broker", help="Run a RabbitMQ of its own, also where one runs on this machine."),
    ] = False,
) -> None:
    """Run the whole stack on this machine, without Docker, until Ctrl-C.

    The other commands find it from its folder and from those below. A second stack, such as that of another clone,
    needs other ports and a broker of its own: the error that says so names the command.
    """
    home = find_folder()
    options = StackOptions(home=home, folder=home.path, workers=workers, fresh=fresh, private_broker=private_broker)
    run(_up(options))


async def _up(options: StackOptions) -> int:
    env = environment()
    logs.configure("herald", level="error", json=False)
    if options.fresh:
        refuse_fresh(env)
    try:
        code = await run_until_signal(_stay_up(options, env), lambda: announce("stopping"))
    except Occupied as error:
        beside = command_beside(options.workers, env, is_free)
        raise Failure(f"{error}; or run this stack beside it: {beside}") from error
    announce("stopped")
    end_process(code or 0)


async def _stay_up(options: StackOptions, env: dict[str, str]) -> int:
    # A log format that the user has chosen is shown as it is.
    readable = "HERALD_LOG_FORMAT" not in os.environ
    if env["HERALD_LOG_FORMAT"] != "json":
        return await _run(options, env, to_terminal, asyncio.Event().wait)
    # The processes write their lines to files, which `herald trace` reads. What they print beside them comes here.
    folder = options.home.logs
    options = replace(options, logs=folder.resolve())
    render = _renderer() if readable else None
    async with follow_logs(folder, batch_writer(sys.stdout), render) as following:
        return await _run(options, env, to_terminal_escaped if readable else to_terminal, lambda: _wait(following))


def _renderer() -> Callable[[dict[str, Any]], str]:
    return line_renderer(colours=logs.wants_colour(sys.stdout), width=lambda: terminal_width(sys.stdout))


async def _wait(task: "asyncio.Task[None]") -> None:
    await asyncio.shield(task)


async def _run(
    options: StackOptions, env: dict[str, str], sink: LineSink, work: Callable[[], Coroutine[Any, Any, object]]
) -> int:
    async with open_stack(options, env, announce, sink) as stack:
        write_addresses(stack.addresses(options.home.logs), options.home)
        for line in list_addresses(stack, options.home):
            announce(line)
        await stack.supervisor.during(work())
    return 0
