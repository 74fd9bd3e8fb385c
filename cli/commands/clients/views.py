"""herald clients list, search, show, events."""

from typing import Annotated

import typer

from cli.commands.clients.directory import find_client, search_params
from cli.commands.clients.group import app
from cli.commands.options import AsJson, Limit
from cli.connections.api import Json, open_api
from cli.connections.listing import read_pages
from cli.run import run
from cli.terminal.listing import View, show_list
from cli.terminal.output import print_json, print_table
from cli.terminal.tables import attribute_table, event_row

COLUMNS = ("id", "phone", "operator_code", "tags", "timezone", "external_id")

Who = Annotated[str, typer.Argument(metavar="CLIENT", help="Id, phone or external id of the client.")]


@app.command("list")
def list_clients(
    operator: Annotated[str | None, typer.Option(help="Only clients with this operator code.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only clients with this tag; an empty one: without a tag.")] = None,
    phone: Annotated[str | None, typer.Option(metavar="PHONE", help="Only the client with this phone.")] = None,
    external_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Only the client with this id in your own system.")
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List clients, the oldest first. Filters are ANDed."""
    run(_list({"operator_code": operator, "tag": tag, "phone": phone, "external_id": external_id}, limit, as_json))


@app.command("search")
def search_clients(
    what: Annotated[str, typer.Argument(metavar="TEXT", help="A phone, an operator code of three digits, or a tag.")],
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Find clients by phone, operator code or tag. A phone may have blanks, dashes, brackets, +7 or 8 before it."""
    run(_list(search_params(what), limit, as_json))


@app.command("show")
def show_client(who: Who, as_json: AsJson = False) -> None:
    """Show a client."""
    run(_show(who, as_json))


@app.command("events")
def list_events(who: Who, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List what happened to a client, the oldest first."""
    run(_list_events(who, limit, as_json))


async def _list(params: dict[str, str | None], limit: int, as_json: bool) -> None:
    view = View("client", COLUMNS, _row, shortened="tags")
    async with open_api() as api:
        await show_list(read_pages(api, "/clients", params, limit), view, as_json=as_json)


def _row(client: Json) -> list[object]:
    return [", ".join(client["tags"]) if column == "tags" else client[column] for column in COLUMNS]


async def _show(who: str, as_json: bool) -> None:
    async with open_api() as api:
        show_client_attributes(await find_client(api, who), as_json)


def show_client_attributes(client: Json, as_json: bool) -> None:
    if as_json:
        print_json(client)
    else:
        print_table(attribute_table(client | {"tags": ", ".join(client["tags"])}))


async def _list_events(who: str, limit: int, as_json: bool) -> None:
    view = View("event", ("at", "kind", "detail"), event_row, shortened="detail")
    async with open_api() as api:
        client = await find_client(api, who)
        await show_list(read_pages(api, f"/clients/{client['id']}/events", {}, limit), view, as_json=as_json)
