"""Commands are imported when they are called, and are there like any other."""

import subprocess
import sys

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from cli.commands.processes import PROCESSES
from cli.main import COMMANDS, app

# What only commands need, or takes long to import.
HEAVY = (
    "aio_pika",
    "aiohttp",
    "asyncpg",
    "cli.connections",
    "cli.native",
    "cli.stack",
    "pydantic",
    "rich",
    "structlog",
)


def test_a_start_of_herald_imports_no_command() -> None:
    code = f"import sys, cli.main; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_under_its_name(name: str) -> None:
    assert get_group(app).commands[name].name == name
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0, shown.output


def test_the_help_lists_all_commands() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert [name for name in (*COMMANDS, *PROCESSES) if f" {name} " not in shown] == []


def test_a_mistyped_command_is_named_with_the_one_that_was_meant() -> None:
    shown = CliRunner().invoke(app, ["mailing", "list"])
    assert shown.exit_code == 2
    assert "Did you mean 'mailings'?" in shown.output
