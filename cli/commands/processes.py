"""The commands that run one process of the system in the foreground."""

import importlib
from collections.abc import Callable

import typer

# Every process of the system, in the order in which a stack starts them, with its help.
PROCESSES = {
    "sandbox": "Run the stand-in for the provider.",
    "api": "Run the HTTP API and the console.",
    "planner": "Run the process that decides what is sent when.",
    "dispatcher": "Run the process that sends.",
    "reporter": "Run the process that keeps the statistics.",
}


def register(app: typer.Typer) -> None:
    """Adds one command for each process."""
    for name, text in PROCESSES.items():
        app.command(name, help=text)(_command(name))


def _command(name: str) -> Callable[[], None]:
    def run() -> None:
        # Imported here, so that a process loads no code of another.
        module = importlib.import_module(f"services.{name}.__main__")
        raise typer.Exit(module.run())

    return run
