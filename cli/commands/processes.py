"""The commands that run one process of Herald in the foreground."""

import importlib
from collections.abc import Callable

import typer

from cli.quick_exit import end_process

# Every process by name, in the order in which a stack starts them, with the help of its command.
PROCESSES = {
    "sandbox": "Run the sandbox, which stands in for the provider.",
    "api": "Run the HTTP API and the console.",
    "planner": "Run the planner, which decides when each message is sent.",
    "dispatcher": "Run the dispatcher, which sends messages to the provider.",
    "reporter": "Run the reporter, which records results and keeps the statistics.",
}


def register(app: typer.Typer) -> None:
    """Adds a command for each process."""
    for name, text in PROCESSES.items():
        app.command(name, help=text)(_command(name))


def _command(name: str) -> Callable[[], None]:
    def run() -> None:
        # Imported here, so that a process loads only its own code.
        module = importlib.import_module(f"services.{name}.__main__")
        end_process(module.run())

    return run
