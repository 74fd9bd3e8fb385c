"""herald clients create, edit, delete."""

from typing import Annotated

import typer

from cli.commands.clients.directory import find_client, read_phone
from cli.commands.clients.group import app
from cli.commands.clients.values import Attributes, ExternalId, GivenValues, Operator, Tag, Tags, Zone
from cli.commands.clients.views import Who, show_client_attributes
from cli.commands.options import AsJson, Yes, confirm
from cli.connections.api import Json, open_api
from cli.run import run

OPTIONS = "--phone, --operator, --tag, --tags, --timezone, --external-id, --attribute"


@app.command("create")
def create_client(
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="Phone, such as 79161234567.")],
    operator: Operator = None,
    tag: Tag = None,
    tags: Tags = None,
    timezone: Zone = None,
    external_id: ExternalId = None,
    attributes: Attributes = None,
    as_json: AsJson = False,
) -> None:
    """Add a client. The operator code defaults to digits 2 to 4 of the phone."""
    given = GivenValues(operator, tag, tags, timezone, external_id, attributes)
    run(_create({"phone": read_phone(phone) or phone} | given.body(), as_json))


@app.command("edit")
def edit_client(
    who: Who,
    phone: Annotated[str | None, typer.Option(metavar="PHONE", help="A new phone.")] = None,
    operator: Operator = None,
    tag: Tag = None,
    tags: Tags = None,
    timezone: Zone = None,
    external_id: ExternalId = None,
    attributes: Attributes = None,
    as_json: AsJson = False,
) -> None:
    """Change a client. What is not given stays as it is; attributes are merged with those there are."""
    body = GivenValues(operator, tag, tags, timezone, external_id, attributes).body()
    body |= {} if phone is None else {"phone": read_phone(phone) or phone}
    if not body:
        raise typer.BadParameter(f"give at least one of {OPTIONS}")
    run(_edit(who, body, as_json))


@app.command("delete")
def delete_client(who: Who, yes: Yes = False) -> None:
    """Delete a client. Its unsent messages are cancelled, and its sent ones still count."""
    run(_delete(who, yes))


async def _create(body: Json, as_json: bool) -> None:
    async with open_api() as api:
        show_client_attributes(await api.post("/clients", body), as_json)


async def _edit(who: str, body: Json, as_json: bool) -> None:
    async with open_api() as api:
        client = await find_client(api, who)
        show_client_attributes(await api.patch(f"/clients/{client['id']}", body), as_json)


async def _delete(who: str, yes: bool) -> None:
    async with open_api() as api:
        client = await find_client(api, who)
        confirm(f"Delete client {client['id']} with the phone {client['phone']}?", yes)
        await api.delete(f"/clients/{client['id']}")
    typer.echo(f"client {client['id']} is deleted")
