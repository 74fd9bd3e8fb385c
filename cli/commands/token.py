"""herald token: manages API tokens in the database itself, because the first token cannot come from the API."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated

import asyncpg
import typer
from rich.console import Console

from cli.commands import token_store
from cli.connections.database import open_database
from cli.failure import Failure
from cli.run import run
from cli.terminal.tables import make_table
from shared import settings
from shared.migrate import require_current
from shared.settings import DatabaseSettings
from shared.statuses import Role

app = typer.Typer(help="Create, list and revoke API tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token.")]

DURATION = re.compile(r"(\d{1,4})([hdw])")
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
COLUMNS = ("name", "role", "created_at", "expires_at", "revoked_at")


@app.command("create")
def create_token(
    name: Name,
    role: Annotated[
        Role,
        typer.Option(help="viewer reads, operator also changes mailings and clients, admin also handles dead letters."),
    ],
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long it is valid: 12h, 30d or 8w. Default: no end.")
    ] = None,
) -> None:
    """Create a token and print it. It cannot be shown again, because only its hash is stored."""
    run(_create(name, role, None if expires is None else _read_duration(expires)))


@app.command("list")
def list_tokens() -> None:
    """List the names, roles and dates of all tokens."""
    run(_list())


@app.command("revoke")
def revoke_token(name: Name) -> None:
    """Revoke a token. The API refuses it within half a second."""
    run(_revoke(name))


def _read_duration(text: str) -> timedelta:
    found = DURATION.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise typer.BadParameter(f"{text!r} is not a duration such as 12h, 30d or 8w", param_hint="--expires")
    return int(found[1]) * UNITS[found[2]]


async def _create(name: str, role: str, lasts: timedelta | None) -> None:
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
    typer.echo(plain)


async def _list() -> None:
    async with _open() as connection:
        rows = await token_store.select_all(connection)
    Console().print(make_table("", COLUMNS, [[row[column] for column in COLUMNS] for row in rows]))


async def _revoke(name: str) -> None:
    async with _open() as connection:
        revoked = await token_store.revoke(connection, name)
    if not revoked:
        raise Failure(f"there is no valid token named {name}: see `herald token list`")
    typer.echo(f"{name} is revoked")


@asynccontextmanager
async def _open() -> AsyncIterator[asyncpg.Connection]:
    async with open_database(settings.load(DatabaseSettings).database_url.get_secret_value()) as connection:
        await require_current(connection)
        yield connection
