"""herald segments: saves, shows, counts, changes and deletes filters with a name."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from cli.commands.json_files import FILTER_HELP, FilterFile, read_filter
from cli.commands.options import HIGHEST_ID, AsJson, Limit, Yes, confirm, require_some
from cli.connections.api import Json, open_api
from cli.connections.listing import read_pages
from cli.run import run
from cli.terminal.listing import View, show_list
from cli.terminal.output import print_json, print_table
from cli.terminal.tables import attribute_table
from cli.terminal.wording import count, utc_minute

app = typer.Typer(help="Save, show, count, change and delete segments of the clients.", no_args_is_help=True)

SegmentId = Annotated[int, typer.Argument(min=1, max=HIGHEST_ID, metavar="ID", help="Id of the segment.")]


@app.command("list")
def list_segments(limit: Limit = 100, as_json: AsJson = False) -> None:
    """List segments, the oldest first."""
    run(_list(limit, as_json))


@app.command("show")
def show_segment(segment_id: SegmentId, as_json: AsJson = False) -> None:
    """Show a segment with its filter."""
    run(_show(segment_id, as_json))


@app.command("size")
def count_segment(segment_id: SegmentId, as_json: AsJson = False) -> None:
    """Count the clients who match a segment now."""
    run(_count(segment_id, as_json))


@app.command("create")
def create_segment(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name that no other segment has.")],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            allow_dash=True,
            help=f"{FILTER_HELP.capitalize()}; - is standard input.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Save a filter under a name."""
    run(_create({"name": name, "filter": read_filter(file)}, as_json))


@app.command("edit")
def edit_segment(
    segment_id: SegmentId,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    filter_: FilterFile = None,
    as_json: AsJson = False,
) -> None:
    """Change a segment. Mailings that have started keep the filter that it had."""
    require_some([name, filter_], "--name, --filter")
    body = ({} if name is None else {"name": name}) | ({} if filter_ is None else {"filter": read_filter(filter_)})
    run(_edit(segment_id, body, as_json))


@app.command("delete")
def delete_segment(segment_id: SegmentId, yes: Yes = False) -> None:
    """Delete a segment. It is refused while a mailing that has not started uses it."""
    run(_delete(segment_id, yes))


async def _list(limit: int, as_json: bool) -> None:
    view = View("segment", ("id", "name", "updated_at", "filter"), _row, shortened="filter")
    async with open_api() as api:
        await show_list(read_pages(api, "/segments", {}, limit), view, as_json=as_json)


def _row(segment: Json) -> list[object]:
    return [segment["id"], segment["name"], utc_minute(segment["updated_at"]), _as_text(segment["filter"])]


def _as_text(tree: Json) -> str:
    return orjson.dumps(tree).decode()


def _print(segment: Json, as_json: bool) -> None:
    if as_json:
        print_json(segment)
    else:
        print_table(attribute_table(segment | {"filter": _as_text(segment["filter"])}))


async def _show(segment_id: int, as_json: bool) -> None:
    async with open_api() as api:
        _print(await api.get(f"/segments/{segment_id}"), as_json)


async def _count(segment_id: int, as_json: bool) -> None:
    async with open_api() as api:
        found = await api.get(f"/segments/{segment_id}/size")
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{count(found['clients'], 'client')}, {found['opted_out']:,} of them on the stop list")


async def _create(body: Json, as_json: bool) -> None:
    async with open_api() as api:
        _print(await api.post("/segments", body), as_json)


async def _edit(segment_id: int, body: Json, as_json: bool) -> None:
    async with open_api() as api:
        _print(await api.patch(f"/segments/{segment_id}", body), as_json)


async def _delete(segment_id: int, yes: bool) -> None:
    async with open_api() as api:
        if not yes:
            found = await api.get(f"/segments/{segment_id}")
            confirm(f"Delete segment {segment_id}, {found['name']}?", yes)
        await api.delete(f"/segments/{segment_id}")
    typer.echo(f"segment {segment_id} is deleted")
