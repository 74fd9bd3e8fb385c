"""herald dead-letters: lists, replays and drops what the dead-letter queues hold."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.commands.options import AsJson, Limit, Yes, confirm
from cli.connections.api import Json, open_api
from cli.connections.listing import read_pages
from cli.run import run
from cli.terminal.listing import View, show_list
from cli.terminal.output import print_json, print_table
from cli.terminal.tables import make_table
from cli.terminal.wording import count
from shared.topology import DeadQueue

app = typer.Typer(help="List, replay and drop dead letters: what could not be processed.", no_args_is_help=True)

COLUMNS = ("id", "queue", "mailing", "message", "age", "reason")
# As many ids as the API takes in one request.
DROP_CHUNK = 100

Ids = Annotated[list[str] | None, typer.Argument(help="Ids, as `herald dead-letters list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters instead of single ones.")]
OfQueue = Annotated[DeadQueue | None, typer.Option("--queue", help="Only dead letters in this queue.")]


@app.command("list")
def list_letters(
    queue: OfQueue = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List dead letters with their ids, age and reason. They stay in their queues."""
    run(_list(queue, limit, as_json))


@app.command("replay")
def replay_letters(ids: Ids = None, all_: All = False, queue: OfQueue = None, as_json: AsJson = False) -> None:
    """Send dead letters back to be processed again.

    An exhausted message gets a new budget of attempts, unless its mailing has ended.

    A dead letter that cannot be replayed stays in its queue: the reason is shown, and the exit code is 1.
    """
    _require_choice(ids, all_)
    run(_replay(ids or None, queue, as_json))


@app.command("drop")
def drop_letters(
    ids: Ids = None,
    all_: All = False,
    queue: OfQueue = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters for good. The messages themselves and their history stay in the database."""
    _require_choice(ids, all_)
    run(_drop(ids or None, queue, ask=all_ and not yes, as_json=as_json))


def _require_choice(ids: list[str] | None, all_: bool) -> None:
    if bool(ids) == all_:
        raise typer.BadParameter("give either ids, or --all")


def _only(queue: str | None) -> dict[str, str]:
    return {} if queue is None else {"queue": queue}


async def _list(queue: str | None, limit: int, as_json: bool) -> None:
    view = View("dead letter", COLUMNS, _row)
    async with open_api() as api:
        await show_list(read_pages(api, "/dead-letters", {"queue": queue}, limit), view, as_json=as_json)


def _row(letter: Json) -> list[object]:
    now = datetime.now(UTC)
    age = None if letter["at"] is None else format_age((now - datetime.fromisoformat(letter["at"])).total_seconds())
    return [letter["id"], letter["queue"], letter["mailing_id"], letter["message_id"], age, letter["reason"]]


def format_age(seconds: float) -> str:
    """Formats an age in its largest unit: 40 s, 3 min, 5 h, 2 d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


async def _replay(ids: list[str] | None, queue: str | None, as_json: bool) -> int:
    body: Json = {"all": True} if ids is None else {"ids": ids}
    async with open_api() as api:
        report = await api.post("/dead-letters/replay", body | _only(queue))
    if as_json:
        print_json(report)
        return 1 if report["refused"] else 0
    typer.echo(f"{count(report['replayed'], 'dead letter')} replayed, {report['refused']:,} refused")
    if report["errors"]:
        rows = [(error["id"], error["detail"]) for error in report["errors"]]
        listed = "" if len(rows) == report["refused"] else f" (the first {len(rows)})"
        print_table(make_table(f"refused{listed}", ("id", "reason"), rows))
    return 1 if report["refused"] else 0


async def _drop(ids: list[str] | None, queue: str | None, *, ask: bool, as_json: bool) -> None:
    dropped = 0
    async with open_api() as api:
        if ask:
            # Before the question, so that nobody confirms what their token may not do.
            await api.get("/dead-letters", _only(queue) | {"limit": "1"})
            confirm(f"Delete all dead letters of {queue or 'every queue'} for good?", False)
        for params in _drop_requests(ids):
            dropped += (await api.delete("/dead-letters", params | _only(queue)))["dropped"]
    if as_json:
        print_json({"dropped": dropped})
    else:
        typer.echo(f"{count(dropped, 'dead letter')} dropped")


def _drop_requests(ids: list[str] | None) -> list[dict[str, str]]:
    """Returns the query parameters of each request that is needed."""
    if ids is None:
        return [{"all": "true"}]
    starts = range(0, len(ids), DROP_CHUNK)
    return [{"ids": ",".join(ids[start : start + DROP_CHUNK])} for start in starts]
