"""herald suppressions: shows and changes the stop list, imports and exports it."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.commands.clients.directory import read_phone
from cli.commands.clients.files import beginning, proposal_of
from cli.commands.downloads import download_to
from cli.commands.options import AsJson, Limit, Yes, confirm
from cli.connections.api import ApiClient, Json, open_api
from cli.connections.listing import read_pages
from cli.failure import Failure
from cli.run import run
from cli.terminal.listing import View, show_list
from cli.terminal.output import print_json, print_table
from cli.terminal.progress import closing_bar, read_with_progress, transfer_bar
from cli.terminal.tables import attribute_table, make_table
from cli.terminal.wording import utc_minute

app = typer.Typer(help="Show and change the stop list: phones that get nothing.", no_args_is_help=True)

CSV = "text/csv"
Reason = Annotated[str | None, typer.Option(help="Why, in your own words, without the phone.")]


@app.command("list")
def list_suppressions(
    phone: Annotated[str | None, typer.Option(metavar="PHONE", help="Only the entry of this phone.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the stop list, the oldest entry first. A phone is shown only while a client has it."""
    run(_list(None if phone is None else read_phone(phone) or phone, limit, as_json))


@app.command("add")
def add_suppression(
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="Phone, such as 79161234567.")],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Put a phone on the stop list. Once this command has ended, no message to it begins."""
    run(_add(read_phone(phone) or phone, reason, as_json))


@app.command("remove")
def remove_suppression(
    who: Annotated[str, typer.Argument(metavar="ENTRY", help="Id of the entry, or the phone.")], yes: Yes = False
) -> None:
    """Take a phone off the stop list, which needs the role admin. Mailings that start later reach it again."""
    run(_remove(who, yes))


@app.command("import")
def import_suppressions(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="A CSV with the columns phone and, if wanted, reason.",
        ),
    ],
    reason: Annotated[str | None, typer.Option(help="The reason of lines that give none.")] = None,
    as_proposed: Annotated[
        bool, typer.Option("--as-proposed", help="Have the file inspected, and read it as is proposed.")
    ] = False,
    map_: Annotated[
        str | None, typer.Option("--map", metavar="FIELD,...", help="What the columns hold, such as -,phone,reason.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the phones of a CSV on the stop list. Wrong lines are reported; if no line is right, the exit code is 1."""
    params = {name: value for name, value in (("reason", reason), ("map", map_)) if value is not None}
    run(_import(file, params, as_proposed, as_json))


@app.command("export")
def export_suppressions(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", dir_okay=False, help="File to write. Default: standard output.")
    ] = None,
) -> None:
    """Export the stop list as CSV. A phone is there only for those who are clients."""
    run(download_to(file, "/suppressions/export", CSV, {}))


async def _list(phone: str | None, limit: int, as_json: bool) -> None:
    columns = ("id", "phone", "since", "source", "added_by", "reason")
    view = View("entry", columns, _row, shortened="reason", nouns="entries")
    async with open_api() as api:
        await show_list(read_pages(api, "/suppressions", {"phone": phone}, limit), view, as_json=as_json)


def _row(entry: Json) -> list[object]:
    since = utc_minute(entry["since"])
    return [entry["id"], entry["phone"] or "-", since, entry["source"], entry["added_by"], entry["reason"]]


async def _add(phone: str, reason: str | None, as_json: bool) -> None:
    body: Json = {"phone": phone, "source": "command"} | ({} if reason is None else {"reason": reason})
    async with open_api() as api:
        entry = await api.post("/suppressions", body)
    if as_json:
        print_json(entry)
    else:
        print_table(attribute_table(entry))


async def _remove(who: str, yes: bool) -> None:
    async with open_api() as api:
        entry = await _find(api, who)
        confirm(f"Take entry {entry['id']} ({entry['phone'] or 'no client has its phone'}) off the stop list?", yes)
        await api.delete(f"/suppressions/{entry['id']}")
    typer.echo(f"entry {entry['id']} is off the stop list")


async def _find(api: ApiClient, who: str) -> Json:
    phone = read_phone(who)
    if phone is None:
        if not re.fullmatch(r"\d{1,19}", who, re.ASCII):
            raise Failure(f"{who!r} is neither the id of an entry nor a phone such as 79161234567", code=2)
        return await api.get(f"/suppressions/{who}")
    found = (await api.get("/suppressions", {"phone": phone}))["items"]
    if not found:
        raise Failure(f"the phone {who} is not on the stop list")
    entry: Json = found[0]
    return entry


def _proposed(inspected: Json, map_: str | None) -> Json:
    """Returns the parameters that an inspection proposes: of the columns, those of the phone and of a reason."""
    proposal = proposal_of(inspected, map_)
    kept = {"phone": "phone", "reason": "reason", "attributes.reason": "reason"}
    return proposal | {"map": ",".join(kept.get(target, "-") for target in proposal["map"].split(","))}


async def _import(file: Path, params: Json, as_proposed: bool, as_json: bool) -> int:
    async with open_api() as api:
        if as_proposed:
            found = await api.upload("/clients/import/inspect", beginning(file), CSV, {})
            params = _proposed(found, params.get("map")) | params
        with closing_bar(transfer_bar(Console(stderr=True))) as progress:
            content = read_with_progress(file, progress)
            report = await api.upload("/suppressions/import", content, CSV, params)
    if as_json:
        print_json(report)
    else:
        counts = ("added", "present", "repeated", "rejected")
        print_table(make_table("", counts, [[report[name] for name in counts]]))
        if report["errors"]:
            rows = [(error["line"], error["detail"]) for error in report["errors"]]
            print_table(make_table("rejected lines", ("line", "detail"), rows))
    return 1 if report["rejected"] and not (report["added"] or report["present"]) else 0
