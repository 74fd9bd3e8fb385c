"""herald sessions: lists and ends the sessions of people who signed in to the console."""

from typing import Annotated

import typer

from cli.commands.options import HIGHEST_ID, AsJson, Yes, confirm
from cli.connections.api import Json, open_api
from cli.failure import Failure
from cli.run import run
from cli.terminal.output import note, print_json, print_table
from cli.terminal.tables import make_table
from cli.terminal.wording import utc_minute

app = typer.Typer(help="List and end the sessions of people who signed in to the console.", no_args_is_help=True)

COLUMNS = ("id", "name", "role", "created_at", "seen_at", "expires_at")
MOMENTS = frozenset({"created_at", "seen_at", "expires_at"})


@app.command("list")
def list_sessions(as_json: AsJson = False) -> None:
    """List the sessions that are not over, the newest first. This needs the role admin."""
    run(_list(as_json))


@app.command("end")
def end_session(
    session_id: Annotated[int, typer.Argument(min=1, max=HIGHEST_ID, metavar="ID", help="Id of the session.")],
    yes: Yes = False,
) -> None:
    """End a session at once, which needs the role admin. Its person can sign in again."""
    run(_end(session_id, yes))


async def _list(as_json: bool) -> None:
    async with open_api() as api:
        found = (await api.get("/sessions"))["items"]
    if as_json:
        print_json(*found)
    elif found:
        print_table(make_table("", COLUMNS, [[_cell(column, session) for column in COLUMNS] for session in found]))
    else:
        note("no sessions")


def _cell(column: str, session: Json) -> object:
    return utc_minute(session[column]) if column in MOMENTS else session[column]


async def _end(session_id: int, yes: bool) -> None:
    async with open_api() as api:
        found = [one for one in (await api.get("/sessions"))["items"] if one["id"] == session_id]
        if not found:
            raise Failure(f"there is no session {session_id} that is not over: see `herald sessions list`")
        confirm(f"End the session of {found[0]['name']}?", yes)
        await api.delete(f"/sessions/{session_id}")
    typer.echo(f"the session of {found[0]['name']} is ended")
