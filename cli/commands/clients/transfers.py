"""herald clients import, export."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from cli.commands.clients.files import FORMATS, Format, beginning, by_suffix, proposal_of
from cli.commands.clients.group import app
from cli.commands.downloads import download_to
from cli.commands.options import AsJson
from cli.connections.api import ApiClient, Json, open_api
from cli.failure import Failure
from cli.run import run
from cli.terminal.output import print_json, print_table
from cli.terminal.progress import closing_bar, read_with_progress, transfer_bar
from cli.terminal.tables import make_table

# The counts of lines that are clients.
KEPT = ("created", "updated", "unchanged", "skipped", "repeated")


@app.command("import")
def import_clients(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, help="A CSV file with a header, or NDJSON."
        ),
    ],
    format: Annotated[Format | None, typer.Option(help="Format of the file. Default: by its suffix.")] = None,
    on_conflict: Annotated[
        Literal["update", "skip"], typer.Option(help="What to do when a client with the same phone exists.")
    ] = "update",
    on_empty: Annotated[
        Literal["keep", "clear"],
        typer.Option(help="What an empty value of a CSV does to a client who exists: keep the old value, or clear it."),
    ] = "keep",
    as_proposed: Annotated[
        bool,
        typer.Option(
            "--as-proposed",
            help="Have the CSV inspected first, and read it as is proposed: its encoding, its separator, what its "
            "columns hold, and phones as people write them.",
        ),
    ] = False,
    map_: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="FIELD,...", help="What the columns of a CSV hold, such as phone,attributes.name,-,tag."
        ),
    ] = None,
    encoding: Annotated[
        Literal["utf-8", "utf-16", "windows-1251"] | None, typer.Option(help="Encoding of a CSV.")
    ] = None,
    delimiter: Annotated[
        Literal["comma", "semicolon", "tab"] | None, typer.Option(help="What separates the values of a CSV.")
    ] = None,
    phones: Annotated[
        Literal["strict", "repair"] | None,
        typer.Option(help="How phones may be written: 79161234567 only, or as people write them."),
    ] = None,
    default_tag: Annotated[str | None, typer.Option(metavar="TAG", help="Tag of new clients without one.")] = None,
    default_timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of new clients without one.")
    ] = None,
    refused: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File for the refused lines of a CSV, to mend and import again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import clients from a file. Invalid lines are reported and left out; if no line is valid, the exit code is 1."""
    given = {"encoding": encoding, "delimiter": delimiter, "phones": phones, "map": map_, "default_tag": default_tag}
    given |= {"default_timezone": default_timezone, "refused": None if refused is None else "true"}
    params: Json = {"on_conflict": on_conflict, "on_empty": on_empty}
    params |= {name: value for name, value in given.items() if value is not None}
    run(_import(file, format or by_suffix(file), params, as_proposed, refused, as_json))


@app.command("export")
def export_clients(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", dir_okay=False, help="File to write. Default: standard output.")
    ] = None,
    format: Annotated[
        Format | None, typer.Option(help="Format to write. Default: by the file's suffix, otherwise CSV.")
    ] = None,
    operator: Annotated[str | None, typer.Option(help="Only clients with this operator code.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only clients with this tag.")] = None,
) -> None:
    """Export clients, all of them unless a filter is given, to a file or to standard output."""
    given = {"operator_code": operator, "tag": tag}
    params = {name: value for name, value in given.items() if value is not None}
    run(download_to(file, "/clients/export", FORMATS[format or (by_suffix(file) if file else "csv")], params))


async def _import(
    file: Path, format_: Format, params: Json, as_proposed: bool, refused: Path | None, as_json: bool
) -> int:
    async with open_api() as api:
        await _require_rights(api)
        if as_proposed and format_ == "csv":
            found = await api.upload("/clients/import/inspect", beginning(file), FORMATS["csv"], {})
            params = proposal_of(found, params.get("map")) | params
        with closing_bar(transfer_bar(Console(stderr=True))) as progress:
            content = read_with_progress(file, progress)
            try:
                report = await api.upload("/clients/import", content, FORMATS[format_], params=params)
            except asyncio.CancelledError:
                # Ctrl-C. The API stores what it has read in batches, and drops the batch that is not complete.
                _explain_interruption(progress)
                raise
    _keep_refused(refused, report)
    _show(report, as_json)
    return 1 if report["rejected"] and not any(report[name] for name in KEPT) else 0


def _keep_refused(target: Path | None, report: Json) -> None:
    """Writes the refused lines, if a file was given and there are any. A spreadsheet reads its encoding by the mark."""
    if target is not None and report["refused_csv"]:
        target.write_text(report["refused_csv"], encoding="utf-8-sig", newline="")


async def _require_rights(api: ApiClient) -> None:
    """Raises Failure before the file is sent, if the token may not import."""
    if (await api.get("/token"))["role"] == "viewer":
        raise Failure("this token may only read: an import needs one with the role operator or admin")


def _explain_interruption(progress: Progress) -> None:
    sent = sum(task.completed for task in progress.tasks)
    total = sum(task.total or 0 for task in progress.tasks)
    progress.stop()
    progress.console.print(
        f"interrupted after {sent:,.0f} of {total:,.0f} bytes: full batches of 1,000 lines are stored, and the file "
        "can be imported again"
    )


def _show(report: Json, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    counts = (*KEPT, "rejected")
    print_table(make_table("", counts, [[report[name] for name in counts]]))
    if report["errors"]:
        rows = [(error["line"], error["detail"]) for error in report["errors"]]
        listed = "" if len(rows) == report["rejected"] else f" (the first {len(rows)})"
        print_table(make_table(f"rejected lines{listed}", ("line", "detail"), rows))
