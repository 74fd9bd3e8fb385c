"""Writes the output of the processes to the terminal with a coloured prefix, or to a file for each process."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

import typer

from cli.stack.log_lines import fold, terminal_width
from cli.terminal.output import styled
from shared.redaction import escape

WIDTH = 12
COLOURS = {
    "herald": typer.colors.WHITE,
    "sandbox": typer.colors.YELLOW,
    "api": typer.colors.CYAN,
    "planner": typer.colors.GREEN,
    "dispatcher": typer.colors.MAGENTA,
    "reporter": typer.colors.BLUE,
}
CHUNK_BYTES = 64 * 1024


class Readable(Protocol):
    """A stream of bytes, such as the output of a process."""

    async def read(self, n: int = -1) -> bytes: ...


class LineSink(Protocol):
    """Takes the lines of a process by its name, without their line feeds."""

    def __call__(self, name: str, line: str) -> None: ...


# A line and the name of its process.
NamedLine = tuple[str, str]


def to_terminal(name: str, line: str) -> None:
    """Writes a line with the name of its process before it, in colour if standard output is a terminal."""
    typer.echo(f"{_prefix(name, sys.stdout)} {line}")


def _prefix(name: str, output: TextIO) -> str:
    colour = COLOURS.get(name.partition("-")[0])
    return styled(f"{name:<{WIDTH}}", output, fg=colour, bold=name == "herald")


def batch_writer(output: TextIO) -> Callable[[Sequence[NamedLine]], None]:
    """Makes a function that does as `to_terminal` for many lines, with one write."""

    @cache
    def prefix(name: str) -> str:
        return _prefix(name, output)

    def write(lines: Sequence[NamedLine]) -> None:
        if lines:
            output.write("".join(f"{prefix(name)} {line}\n" for name, line in lines))
            output.flush()

    return write


def to_terminal_escaped(name: str, line: str) -> None:
    """Writes a line like `to_terminal`, without what a terminal would obey."""
    to_terminal(name, escape(line))


def announce(line: str) -> None:
    """Writes a line of the `herald` command itself, in the form of the lines of the processes."""
    to_terminal("herald", fold(line, terminal_width(sys.stdout), WIDTH + 1))


class FileSink:
    """A sink of one file for each process. The processes may also write to their files themselves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, line: str) -> None:
        with self.open(name) as file:
            file.write(f"{line}\n".encode())

    def open(self, name: str) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._path(name).open("ab")

    def last_line(self, name: str) -> str:
        lines = self._path(name).read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.log"


async def split_lines(stream: Readable) -> AsyncIterator[str]:
    """Yields the lines of a stream without their line feeds. A line may have any length."""
    rest = b""
    while chunk := await stream.read(CHUNK_BYTES):
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
