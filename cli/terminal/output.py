"""Writes what a command has found: tables for people, JSON for programs, notes on standard error."""

import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import orjson
import typer
from rich.console import Console, RenderableType

from shared.logs import wants_colour


class Screen(Console):
    """A console that raises BrokenPipeError when its reader, such as `head`, has closed the pipe."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_table(*tables: RenderableType) -> None:
    screen = Screen()
    for table in tables:
        screen.print(table)


def print_json(*items: Any) -> None:
    """Writes JSON, one value a line."""
    write_lines(orjson.dumps(item) for item in items)


def write_lines(lines: Iterable[bytes]) -> None:
    for line in lines:
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Writes a remark to standard error, so that it is no part of what a program reads."""
    typer.echo(styled(f"herald: {text}", sys.stderr, fg=typer.colors.YELLOW), err=True)


def complain(text: str) -> None:
    """Writes an error to standard error."""
    typer.echo(styled(f"herald: {text}", sys.stderr, fg=typer.colors.RED), err=True)


def styled(text: str, stream: TextIO, **style: Any) -> str:
    """Returns the text with colours if the stream is a terminal that wants them."""
    return typer.style(text, **style) if wants_colour(stream) else text


def forget_output() -> None:
    """Sends the rest of standard output nowhere: its reader is gone, and flushing it at exit would fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
