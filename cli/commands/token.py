"""herald token: manages API tokens in the database itself, because the first token cannot come from the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

import asyncpg
import typer

from cli.commands import token_store
from cli.commands.options import AsJson
from cli.connections.addresses import find_database
from cli.connections.database import open_database
from cli.failure import Failure
from cli.run import run
from cli.terminal.moments import read_duration, read_moment
from cli.terminal.output import note, print_json, print_table
from cli.terminal.tables import make_table
from shared.migrate import require_current
from shared.statuses import Role

app = typer.Typer(help="Create, list and revoke API tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token.")]

COLUMNS = ("name", "role", "created_at", "last_used_at", "expires_at", "revoked_at")


def _read_expiry(text: str) -> timedelta:
    """Parses how long a token lasts, for typer."""
    with suppress(ValueError):
        return read_duration(text)
    # What is no duration may be a moment.
    try:
        now = datetime.now(UTC)
        lasts = read_moment(text, now) - now
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a duration such as 12h, 30d or 8w nor a time such as tomorrow 09:00"
        ) from None
    if lasts <= timedelta():
        raise typer.BadParameter(f"{text!r} is not in the future")
    return lasts


@app.command("create")
def create_token(
    name: Name,
    role: Annotated[
        Role,
        typer.Option(help="viewer reads, operator also changes mailings and clients, admin also handles dead letters."),
    ],
    expires: Annotated[
        timedelta | None,
        typer.Option(
            parser=_read_expiry,
            metavar="TIME",
            help="When it ends: after 12h, 30d or 8w, or at a time such as tomorrow 09:00. Default: never.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a token and print it. It cannot be shown again, because only its hash is stored."""
    run(_create(name, role, expires, as_json))


@app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List the names, roles and dates of all tokens."""
    run(_list(as_json))


@app.command("revoke")
def revoke_token(name: Name) -> None:
    """Revoke a token. The API refuses it within half a second."""
    run(_revoke(name))


async def _create(name: str, role: str, lasts: timedelta | None, as_json: bool) -> None:
    # Imported here, so that no other command loads code of the API.
    from services.api.access.tokens import create_token as make_token

    plain, digest = make_token()
    async with _open() as connection:
        try:
            await token_store.insert(connection, name, role, digest, lasts)
        except asyncpg.UniqueViolationError as error:
            raise Failure(f"a token named {name} exists or existed: choose another name") from error
        except asyncpg.CheckViolationError as error:
            raise Failure(
                f"{name!r} is not a valid name: use 1 to 64 letters, digits, dots, dashes and underscores"
            ) from error
    if as_json:
        print_json({"name": name, "role": role, "token": plain})
    else:
        typer.echo(plain)


async def _list(as_json: bool) -> None:
    async with _open() as connection:
        rows = await token_store.select_all(connection)
    if as_json:
        print_json(*({column: row[column] for column in COLUMNS} for row in rows))
    elif rows:
        print_table(make_table("", COLUMNS, [[_cell(row[column]) for column in COLUMNS] for row in rows]))
    else:
        note("no tokens: `herald token create` makes one")


def _cell(value: object) -> object:
    return value.strftime("%Y-%m-%d %H:%M:%SZ") if isinstance(value, datetime) else value


async def _revoke(name: str) -> None:
    async with _open() as connection:
        revoked = await token_store.revoke(connection, name)
    if not revoked:
        raise Failure(f"there is no valid token named {name}: see `herald token list`")
    typer.echo(f"{name} is revoked")


@asynccontextmanager
async def _open() -> AsyncIterator[asyncpg.Connection]:
    found = find_database()
    async with open_database(found.url, remedy=found.remedy) as connection:
        await require_current(connection)
        yield connection
