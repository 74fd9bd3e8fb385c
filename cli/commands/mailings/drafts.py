"""herald mailings preview, start, duplicate, recipients, test."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.commands.clients.files import FORMATS, beginning, by_suffix, proposal_of
from cli.commands.mailings.group import app
from cli.commands.mailings.views import show_one
from cli.commands.options import AsJson, Limit, MailingId
from cli.connections.api import ApiClient, Json, open_api
from cli.connections.listing import read_pages
from cli.run import run
from cli.terminal.listing import View, show_list
from cli.terminal.output import print_json, print_table
from cli.terminal.progress import closing_bar, read_with_progress, transfer_bar
from cli.terminal.tables import make_table, preview_tables
from cli.terminal.wording import count

# How often a test-send is looked at until it is finished, which takes a second or two.
LOOK_SECONDS = 0.5


@app.command("preview")
def preview_mailing(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Show whom a draft would be sent to if it started now, who lacks a value of its text, and the first texts."""
    run(_preview(mailing_id, as_json))


@app.command("start")
def start_mailing(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Start a draft, at its start or at once."""
    run(_act(mailing_id, "start", as_json))


@app.command("duplicate")
def duplicate_mailing(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Make a draft with all that was specified for a mailing."""
    run(_act(mailing_id, "duplicate", as_json))


@app.command("recipients")
def take_recipients(
    mailing_id: MailingId,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", exists=True, dir_okay=False, readable=True, help="A CSV, or NDJSON; none to list them."
        ),
    ] = None,
    skip_errors: Annotated[bool, typer.Option("--skip-errors", help="Leave wrong lines out.")] = False,
    as_proposed: Annotated[
        bool, typer.Option("--as-proposed", help="Have the CSV inspected, and read it as is proposed.")
    ] = False,
    map_: Annotated[
        str | None,
        typer.Option("--map", metavar="FIELD,...", help="What the columns hold, such as phone,attributes.name,-."),
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Take the recipients of a draft from a file: a phone and values in each line, in place of the filter.

    Without a file, list the recipients that the mailing has from one.
    """
    if file is None:
        run(_list(mailing_id, limit, as_json))
        return
    params: Json = {"on_error": "skip" if skip_errors else "refuse"} | ({} if map_ is None else {"map": map_})
    run(_take(mailing_id, file, params, as_proposed, as_json))


@app.command("test")
def try_text(
    text: Annotated[str, typer.Option(help="Text to try.")],
    phone: Annotated[list[str], typer.Option(help="Phone to send it to; up to five.")],
    as_json: AsJson = False,
) -> None:
    """Send a text to up to five phones now, by the way of every message, and say what became of it."""
    run(_try(text, phone, as_json))


async def _preview(mailing_id: int, as_json: bool) -> None:
    async with open_api() as api:
        found = await api.get(f"/mailings/{mailing_id}/preview")
    if as_json:
        print_json(found)
    else:
        print_table(*preview_tables(found, f"mailing {mailing_id}, if it started now"))


async def _act(mailing_id: int, action: str, as_json: bool) -> None:
    async with open_api() as api:
        show_one(await api.post(f"/mailings/{mailing_id}/{action}"), as_json)


async def _list(mailing_id: int, limit: int, as_json: bool) -> None:
    view = View("recipient", ("line", "client_id", "phone", "values"), _row, shortened="values")
    async with open_api() as api:
        await show_list(read_pages(api, f"/mailings/{mailing_id}/recipients", {}, limit), view, as_json=as_json)


def _row(recipient: Json) -> list[object]:
    values = "  ".join(f"{name}={value}" for name, value in recipient["values"].items())
    return [recipient["line"], recipient["client_id"], recipient["phone"], values]


async def _take(mailing_id: int, file: Path, params: Json, as_proposed: bool, as_json: bool) -> None:
    format_ = by_suffix(file)
    async with open_api() as api:
        if as_proposed and format_ == "csv":
            found = await api.upload("/clients/import/inspect", beginning(file), FORMATS["csv"], {})
            params = proposal_of(found, params.get("map")) | params
        with closing_bar(transfer_bar(Console(stderr=True))) as progress:
            content = read_with_progress(file, progress)
            report = await api.upload(f"/mailings/{mailing_id}/recipients", content, FORMATS[format_], params)
    if as_json:
        print_json(report)
        return
    typer.echo(f"mailing {mailing_id} has {count(report['recipients'], 'recipient')}")
    if report["errors"]:
        rows = [(error["line"], error["detail"]) for error in report["errors"]]
        print_table(make_table("lines left out", ("line", "detail"), rows))


async def _try(text: str, phones: list[str], as_json: bool) -> None:
    async with open_api() as api:
        made = await api.post("/test-sends", {"text": text, "phones": phones})
        shown = await _until_finished(api, made)
    if as_json:
        print_json(shown)
        return
    rows = [(one["phone"], one["status"], one["reason"] or "") for one in shown["messages"]]
    print_table(make_table("", ("phone", "status", "reason"), rows))


async def _until_finished(api: ApiClient, made: Json) -> Json:
    """Waits for a test-send, which is over after five minutes at the latest."""
    while not made["finished"]:
        await asyncio.sleep(LOOK_SECONDS)
        made = await api.get(f"/test-sends/{made['id']}")
    return made
