"""Reads the filter of a mailing or a segment from a JSON file."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from cli.connections.api import Json

FILTER_HELP = 'a JSON file with a tree of conditions, such as {"all": [...]}'
FilterFile = Annotated[
    Path | None,
    typer.Option(
        "--filter",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        allow_dash=True,
        help=f"Only clients who match the filter of {FILTER_HELP}; - is standard input.",
    ),
]


def read_filter(file: Path) -> Json:
    """Returns the object in a file. Raises typer.BadParameter if there is none."""
    try:
        raw = typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file} must hold an object: {FILTER_HELP}")
    return found
