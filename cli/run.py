"""Runs the coroutine of a command, and turns an expected error into one line and an exit code."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import typer

from cli.failure import Failure
from cli.terminal.output import complain, forget_output
from shared.migrate import SchemaError
from shared.settings import SettingsError

INTERRUPTED = 130


def run(work: Coroutine[Any, Any, int | None]) -> None:
    """Runs a command and ends the process with the exit code that it returns; None stands for 0."""
    # The log lines of libraries would only repeat what their exceptions hold.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        code = asyncio.run(work)
    except Failure as error:
        _exit_with(error, error.code)
    except SettingsError as error:
        _exit_with(error, 2)
    except SchemaError as error:
        _exit_with(error, 1)
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError as error:
        # The reader, such as `head`, has all that it wanted.
        forget_output()
        raise typer.Exit(0) from error
    else:
        raise typer.Exit(code or 0)


def _exit_with(error: Exception, code: int) -> None:
    complain(str(error))
    raise typer.Exit(code) from error
