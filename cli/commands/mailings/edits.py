"""herald mailings create, edit, delete."""

from typing import Annotated

import typer

from cli.commands.json_files import FilterFile
from cli.commands.mailings.audience import GivenFilter, OnMissing, Operators, SegmentOf, Tags, UnsentOf
from cli.commands.mailings.group import app
from cli.commands.mailings.views import show_one, watch_until_end
from cli.commands.mailings.windows import HOURS, read_window, window_option
from cli.commands.options import AsJson, MailingId, Yes, confirm, moment_option
from cli.connections.api import ApiClient, Json, open_api
from cli.run import run
from cli.terminal.output import print_json, print_table
from cli.terminal.tables import preview_tables
from cli.terminal.wording import count


@app.command("create")
def create_mailing(
    text: Annotated[str, typer.Option(help="Text of the messages.")],
    end_at: Annotated[str, moment_option("Deadline: nothing is sent after it.")],
    start_at: Annotated[str | None, moment_option("Start. Default: now.")] = None,
    operator: Operators = None,
    tag: Tags = None,
    unsent_of: UnsentOf = None,
    segment: SegmentOf = None,
    filter_: FilterFile = None,
    on_missing: OnMissing = None,
    window: Annotated[str | None, window_option(f"{HOURS}.")] = None,
    name: Annotated[str | None, typer.Option(help="A name for the lists.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Make a draft: `herald mailings start` starts it.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only count the recipients; create nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show a progress bar until the mailing has ended.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Create a mailing to the clients who match a filter.

    Operator codes are ORed, tags are ORed, and they and all other conditions are ANDed. Without any, every client gets
    the mailing, and you are asked to confirm their number.
    """
    given = GivenFilter(operator, tag, unsent_of, segment, filter_)
    body: Json = {"text": text, "end_at": end_at, "filter": given.body()}
    body |= {name: value for name, value in (("start_at", start_at), ("on_missing", on_missing)) if value is not None}
    if window is not None:
        body["window"] = read_window(window)
    body |= ({} if name is None else {"name": name}) | ({"draft": True} if draft else {})
    run(_preview(body, as_json) if preview else _create(body, watch, yes, as_json))


@app.command("edit")
def edit_mailing(
    mailing_id: MailingId,
    text: Annotated[str | None, typer.Option(help="A new text.")] = None,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    end_at: Annotated[str | None, moment_option("A new deadline.")] = None,
    start_at: Annotated[str | None, moment_option("A new start, before the mailing has started.")] = None,
    operator: Operators = None,
    tag: Tags = None,
    unsent_of: UnsentOf = None,
    segment: SegmentOf = None,
    filter_: FilterFile = None,
    on_missing: OnMissing = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="Remove the filter: to all clients.")] = False,
    window: Annotated[str | None, window_option(f"{HOURS}, or none for any hour.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Change a mailing. What is not given stays as it is.

    The options of the filter together replace it, which is possible only before the start.
    """
    body: Json = {"text": text, "name": name, "end_at": end_at, "start_at": start_at, "on_missing": on_missing}
    body = {field: value for field, value in body.items() if value is not None}
    given = GivenFilter(operator, tag, unsent_of, segment, filter_)
    if given != GivenFilter():
        if everyone:
            raise typer.BadParameter("give either --everyone or a filter")
        body["filter"] = given.body()
    if everyone:
        body["filter"] = {}
    if window is not None:
        body["window"] = read_window(window)
    if not body:
        raise typer.BadParameter(
            "give at least one of --text, --name, --end-at, --start-at, --window, or of the filter"
        )
    run(_edit(mailing_id, body, everyone and not yes, as_json))


@app.command("delete")
def delete_mailing(mailing_id: MailingId, yes: Yes = False) -> None:
    """Delete a mailing: its sending stops at once, and it is gone from the lists."""
    run(_delete(mailing_id, yes))


def _is_to_everyone(body: Json) -> bool:
    return not any(body["filter"].values())


async def _create(body: Json, watch: bool, yes: bool, as_json: bool) -> None:
    async with open_api() as api:
        if _is_to_everyone(body) and not yes and not body.get("draft"):
            recipients = (await api.post("/mailings/preview", body))["recipients"]
            confirm(f"Without a filter, {count(recipients, 'client')} will get this mailing. Create it?", yes)
        mailing = await api.post("/mailings", body)
    if not (watch and as_json):
        show_one(mailing, as_json)
    if watch:
        await watch_until_end(mailing["id"], as_json)


async def _preview(body: Json, as_json: bool) -> None:
    async with open_api() as api:
        found = await api.post("/mailings/preview", body)
    if as_json:
        print_json(found)
    else:
        print_table(*preview_tables(found))


async def _edit(mailing_id: int, body: Json, ask: bool, as_json: bool) -> None:
    async with open_api() as api:
        if ask:
            await _confirm_everyone(api, mailing_id)
        show_one(await api.patch(f"/mailings/{mailing_id}", body), as_json)


async def _confirm_everyone(api: ApiClient, mailing_id: int) -> None:
    found = await api.get(f"/mailings/{mailing_id}")
    draft = {"text": found["text"], "end_at": found["end_at"], "filter": {}}
    recipients = (await api.post("/mailings/preview", draft))["recipients"]
    confirm(f"Without a filter, {count(recipients, 'client')} will get mailing {mailing_id}. Change it?", False)


async def _delete(mailing_id: int, yes: bool) -> None:
    async with open_api() as api:
        if not yes:
            found = await api.get(f"/mailings/{mailing_id}")
            unsent = sum(found["by_status"][status] for status in ("pending", "retrying"))
            confirm(
                f"Delete mailing {mailing_id}, which is {found['status']}, with {count(found['total'], 'message')}, "
                f"{unsent:,} of them not yet sent?",
                yes,
            )
        await api.delete(f"/mailings/{mailing_id}")
    typer.echo(f"mailing {mailing_id} is deleted")
