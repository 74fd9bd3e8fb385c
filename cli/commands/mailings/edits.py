"""herald mailings create, edit, delete."""

import re
from typing import Annotated, Any

import typer

from cli.commands.mailings.group import app
from cli.commands.mailings.views import show_one, watch_until_end
from cli.commands.options import AsJson, MailingId, Yes, confirm, moment_option, require_some
from cli.connections.api import ApiClient, Json, open_api
from cli.run import run
from cli.terminal.output import print_json, print_table
from cli.terminal.tables import preview_table
from cli.terminal.wording import count

WINDOW = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
NO_WINDOW = "none"

Operators = Annotated[list[str] | None, typer.Option(help="Only clients with this operator code; may be repeated.")]
Tags = Annotated[list[str] | None, typer.Option(help="Only clients with this tag; may be repeated.")]
UnsentOf = Annotated[
    int | None, typer.Option(min=1, metavar="ID", help="Only clients who did not get this other mailing.")
]


def _parse_window(text: str) -> str:
    """Checks a window, for typer."""
    if text != NO_WINDOW and WINDOW.fullmatch(text) is None:
        raise typer.BadParameter(f"{text!r} is not a window such as 09:00-21:00")
    return text


def _window_option(purpose: str) -> Any:
    return typer.Option(parser=_parse_window, metavar="FROM-TO", help=purpose)


_HOURS = "Hours of the client's local day in which messages are sent, such as 09:00-21:00"


@app.command("create")
def create_mailing(
    text: Annotated[str, typer.Option(help="Text of the messages.")],
    end_at: Annotated[str, moment_option("Deadline: nothing is sent after it.")],
    start_at: Annotated[str | None, moment_option("Start. Default: now.")] = None,
    operator: Operators = None,
    tag: Tags = None,
    unsent_of: UnsentOf = None,
    window: Annotated[str | None, _window_option(f"{_HOURS}.")] = None,
    name: Annotated[str | None, typer.Option(help="A name for the lists.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Make a draft: `herald mailings start` starts it.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only count the recipients; create nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show a progress bar until the mailing has ended.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Create a mailing to the clients with the given operator codes and tags.

    Operator codes are ORed, tags are ORed, and the two are ANDed. Without either, every client gets the mailing, and
    you are asked to confirm their number.
    """
    body: Json = {"text": text, "end_at": end_at, "filter": _filter(operator, tag, unsent_of)}
    if start_at is not None:
        body["start_at"] = start_at
    if window is not None:
        body["window"] = _read_window(window)
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
    everyone: Annotated[bool, typer.Option("--everyone", help="Remove the filter: to all clients.")] = False,
    window: Annotated[str | None, _window_option(f"{_HOURS}, or none for any hour.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Change a mailing. What is not given stays as it is.

    Operator codes, tags and --unsent-of together replace the filter, which can change only before the start.
    """
    body: Json = {"text": text, "end_at": end_at, "start_at": start_at}
    body = {name: value for name, value in body.items() if value is not None}
    if operator or tag or unsent_of is not None:
        if everyone:
            raise typer.BadParameter("give either --everyone or a filter")
        body["filter"] = _filter(operator, tag, unsent_of)
    if everyone:
        body["filter"] = {}
    if window is not None:
        body["window"] = _read_window(window)
    require_some(list(body.values()), "--text, --name, --end-at, --start-at, --operator, --tag, --unsent-of, --window")
    run(_edit(mailing_id, body, everyone and not yes, as_json))


@app.command("delete")
def delete_mailing(mailing_id: MailingId, yes: Yes = False) -> None:
    """Delete a mailing: its sending stops at once, and it is gone from the lists."""
    run(_delete(mailing_id, yes))


def _filter(operator: list[str] | None, tag: list[str] | None, unsent_of: int | None) -> Json:
    given: Json = {"operator_codes": operator or [], "tags": tag or []}
    return given if unsent_of is None else given | {"unsent_of": unsent_of}


def _read_window(text: str) -> dict[str, str] | None:
    if text == NO_WINDOW:
        return None
    opens, closes = text.split("-")
    return {"from": opens, "to": closes}


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
        print_table(preview_table(found))


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
