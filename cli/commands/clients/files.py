"""herald clients inspect; and what it and other commands need of a file."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.commands.clients.group import app
from cli.commands.options import AsJson
from cli.connections.api import Json, open_api
from cli.failure import Failure
from cli.run import run
from cli.terminal.output import print_json, print_table
from cli.terminal.tables import make_table

Format = Literal["csv", "ndjson"]
FORMATS: dict[Format, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
SUFFIXES: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
# So much of a file is inspected.
INSPECTED_BYTES = 4 * 1024 * 1024


@app.command("inspect")
def inspect_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="A CSV file.")
    ],
    as_json: AsJson = False,
) -> None:
    """Say how a CSV is written, and how `import --as-proposed` reads it. Nothing is stored."""
    run(_inspect(file, as_json))


def by_suffix(file: Path) -> Format:
    """Returns the format of a file. Raises typer.BadParameter if its suffix names none."""
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise typer.BadParameter(f"the suffix of {file.name} names no format: add --format csv or --format ndjson")
    return SUFFIXES[suffix]


async def beginning(file: Path) -> AsyncIterator[bytes]:
    """Yields the part of a file that is inspected."""
    with await asyncio.to_thread(file.open, "rb") as opened:
        yield await asyncio.to_thread(opened.read, INSPECTED_BYTES)


def proposal_of(inspected: Json, map_: str | None = None) -> Json:
    """Returns the parameters that an inspection proposes, with the map given instead of its own.

    Raises Failure if no column holds phones.
    """
    proposal = inspected["proposal"] | ({} if map_ is None else {"map": map_})
    if proposal["map"] is None:
        raise Failure("no column of the file holds phones: name the columns with --map")
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in proposal.items()}


async def _inspect(file: Path, as_json: bool) -> None:
    async with open_api() as api:
        found = await api.upload("/clients/import/inspect", beginning(file), FORMATS["csv"], {})
    if as_json:
        print_json(found)
        return
    columns = [
        (column["heading"], column["target"] or "-", f"{column['filled']:,}", ", ".join(column["samples"]))
        for column in found["columns"]
    ]
    title = f"{found['encoding']}, separated by {found['delimiter']}, {found['rows']:,} rows"
    print_table(make_table(title, ("heading", "holds", "filled", "samples"), columns))
    phones = found["phones"]
    rows = [(name.replace("_", " "), f"{phones[name]:,}") for name in ("as_is", "repairable", "empty", "repeated")]
    rows += [(refused["detail"], f"{refused['count']:,}") for refused in phones["refused"]]
    print_table(make_table("phones", ("what they need", "rows"), rows))
