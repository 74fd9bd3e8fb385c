"""herald mailings list, show, messages, events, watch."""

import sys
from typing import Annotated

import typer

from cli.commands.mailings.group import app
from cli.commands.options import HIGHEST_ID, AsJson, Limit, MailingId, choices_option, moment_option
from cli.connections.api import Json, open_api
from cli.connections.listing import read_pages
from cli.run import run
from cli.terminal.listing import View, show_list
from cli.terminal.output import Screen, print_json, print_table
from cli.terminal.progress import watch_mailing
from cli.terminal.tables import attribute_table, delivery_table, event_row, statistics_table
from cli.terminal.wording import utc_minute, utc_moment
from shared.statuses import DELIVERIES, MAILING_STATUSES, MESSAGE_STATUSES

SEVERAL_STATUSES = "Only messages with this status; may be repeated."


@app.command("list")
def list_mailings(
    status: Annotated[
        list[str] | None,
        choices_option(MAILING_STATUSES, "Only mailings with this status; may be repeated."),
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only mailings with these characters in their name or text.")
    ] = None,
    start_from: Annotated[str | None, moment_option("Only mailings that start then or later.")] = None,
    start_before: Annotated[str | None, moment_option("Only mailings that start before.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List mailings, the newest first."""
    params = {
        "status": ",".join(status) if status else None,
        "q": search,
        "start_from": start_from,
        "start_before": start_before,
    }
    run(_list(params, limit, as_json))


@app.command("show")
def show_mailing(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Show a mailing with its counts."""
    run(_show(mailing_id, as_json))


@app.command("messages")
def list_messages(
    mailing_id: MailingId,
    status: Annotated[list[str] | None, choices_option(MESSAGE_STATUSES, SEVERAL_STATUSES)] = None,
    reason: Annotated[str | None, typer.Option(help="Only messages that failed for this reason.")] = None,
    delivery: Annotated[
        str | None, choices_option(DELIVERIES, "Only sent messages of which the provider's receipt says this.")
    ] = None,
    client: Annotated[
        int | None, typer.Option(min=1, max=HIGHEST_ID, metavar="ID", help="Only the message to this client.")
    ] = None,
    phone: Annotated[str | None, typer.Option(metavar="PHONE", help="Only the message to this phone.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print all of them as CSV, whatever the limit.")] = False,
) -> None:
    """List the messages of a mailing: what became of each, and why."""
    params = {
        "status": ",".join(status) if status else None,
        "reason": reason,
        "delivery": delivery,
        "client_id": None if client is None else str(client),
        "phone": phone,
    }
    path = f"/mailings/{mailing_id}/messages"
    run(_export_messages(path, params) if csv else _list_messages(path, params, limit, as_json))


@app.command("delivery")
def show_delivery(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Show what receipts say of a mailing, in all and by provider, and the seconds to the handset."""
    run(_show_delivery(mailing_id, as_json))


@app.command("events")
def list_events(mailing_id: MailingId, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List what happened to a mailing, the oldest first."""
    run(_list_events(mailing_id, limit, as_json))


@app.command("watch")
def watch(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Show a progress bar until the mailing has ended, then the counts."""
    run(watch_until_end(mailing_id, as_json))


async def _list(params: dict[str, str | None], limit: int, as_json: bool) -> None:
    view = View("mailing", ("id", "status", "total", "start_at", "end_at", "text"), _row, shortened="text")
    async with open_api() as api:
        await show_list(read_pages(api, "/mailings", params, limit), view, as_json=as_json)


def _row(mailing: Json) -> list[object]:
    moments = (utc_minute(mailing[column]) for column in ("start_at", "end_at"))
    text = f"{mailing['name']}: {mailing['text']}" if mailing["name"] else mailing["text"]
    return [mailing["id"], mailing["status"], mailing["total"], *moments, text.replace("\n", " ")]


async def _show(mailing_id: int, as_json: bool) -> None:
    async with open_api() as api:
        show_one(await api.get(f"/mailings/{mailing_id}"), as_json)


def show_one(found: Json, as_json: bool) -> None:
    """Shows a mailing or a client: its attributes as a table, or JSON."""
    if as_json:
        print_json(found)
    else:
        print_table(attribute_table(found))


async def _list_messages(path: str, params: dict[str, str | None], limit: int, as_json: bool) -> None:
    columns = ("id", "phone", "status", "attempts", "sent_at", "delivery", "reason")
    view = View("message", columns, _message_row, shortened="reason")
    async with open_api() as api:
        await show_list(read_pages(api, path, params, limit), view, as_json=as_json)


async def _show_delivery(mailing_id: int, as_json: bool) -> None:
    async with open_api() as api:
        found = await api.get(f"/mailings/{mailing_id}/statistics/delivery")
    if as_json:
        print_json(found)
    else:
        print_table(delivery_table(found))


def _message_row(message: Json) -> list[object]:
    sent_at = message["sent_at"] and utc_moment(message["sent_at"])
    shown = [message[name] for name in ("id", "phone", "status", "attempts")]
    return [*shown, sent_at, message["delivery"], message["reason"] or message["delivery_reason"]]


async def _export_messages(path: str, params: dict[str, str | None]) -> None:
    query = {name: value for name, value in params.items() if value is not None}
    async with open_api() as api:
        async for chunk in api.download(path, "text/csv", query):
            sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


async def _list_events(mailing_id: int, limit: int, as_json: bool) -> None:
    view = View("event", ("at", "kind", "detail"), event_row, shortened="detail")
    async with open_api() as api:
        await show_list(read_pages(api, f"/mailings/{mailing_id}/events", {}, limit), view, as_json=as_json)


async def watch_until_end(mailing_id: int, as_json: bool) -> None:
    """Shows the progress of a mailing, and its counts at the end."""
    async with open_api() as api:
        statistics = await watch_mailing(api, mailing_id, Screen(stderr=as_json))
    if as_json:
        print_json(statistics)
    else:
        print_table(statistics_table(statistics))
