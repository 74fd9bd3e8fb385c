"""herald dead-letters: what waits in the dead queues, and why; replayed or dropped."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.console import Console

from cli.connections.api import Json, open_api
from cli.run import run
from cli.terminal.tables import make_table

app = typer.Typer(help="See, replay and drop what could not be delivered.", no_args_is_help=True)

Queue = Literal["planner.dead", "dispatcher.dead", "reporter.dead"]
COLUMNS = ("id", "queue", "mailing", "message", "age", "reason")
# As many ids as one request takes.
DROPPED_TOGETHER = 100

Ids = Annotated[list[str] | None, typer.Argument(help="Ids as list shows them")]
All = Annotated[bool, typer.Option("--all", help="All of them")]
OfQueue = Annotated[Queue | None, typer.Option("--queue", help="Only this queue")]


@app.command("list")
def list_letters(
    queue: OfQueue = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many")] = 100,
) -> None:
    """List dead letters with their reason, ids and age. They stay where they are."""
    run(_list(queue, limit))


@app.command("replay")
def replay_letters(ids: Ids = None, all_: All = False, queue: OfQueue = None) -> None:
    """Send dead letters back to work: an exhausted message gets a new round, if its deadline allows.

    What cannot be replayed stays, with the reason shown; the exit code is then 1.
    """
    _require_choice(ids, all_)
    run(_replay(ids or None, queue))


@app.command("drop")
def drop_letters(
    ids: Ids = None,
    all_: All = False,
    queue: OfQueue = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Remove dead letters for good. The messages and their history stay in the tables."""
    _require_choice(ids, all_)
    if all_ and not yes:
        typer.confirm(f"Drop all dead letters of {queue or 'every queue'}?", abort=True)
    run(_drop(ids or None, queue))


def _require_choice(ids: list[str] | None, all_: bool) -> None:
    if bool(ids) == all_:
        raise typer.BadParameter("give either ids, or --all")


def _only(queue: str | None) -> dict[str, str]:
    return {} if queue is None else {"queue": queue}


async def _list(queue: str | None, limit: int) -> None:
    letters: list[Json] = []
    params = _only(queue)
    async with open_api() as api:
        while len(letters) < limit:
            page = await api.get("/dead-letters", params | {"limit": str(min(limit - len(letters), 1000))})
            letters += page["items"]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
    console = Console()
    if not letters:
        console.print("no dead letters")
        return
    now = datetime.now(UTC)
    console.print(make_table("", COLUMNS, [_row(letter, now) for letter in letters]))


def _row(letter: Json, now: datetime) -> list[object]:
    age = None if letter["at"] is None else say_age((now - datetime.fromisoformat(letter["at"])).total_seconds())
    return [letter["id"], letter["queue"], letter["mailing_id"], letter["message_id"], age, letter["reason"]]


def say_age(seconds: float) -> str:
    """Say an age in its largest unit: 40 s, 3 min, 5 h, 2 d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


async def _replay(ids: list[str] | None, queue: str | None) -> int:
    body: Json = {"all": True} if ids is None else {"ids": ids}
    async with open_api() as api:
        report = await api.post("/dead-letters/replay", body | _only(queue))
    console = Console()
    console.print(f"{report['replayed']} replayed, {report['refused']} refused")
    if report["errors"]:
        rows = [(error["id"], error["detail"]) for error in report["errors"]]
        console.print(make_table("refused (the first 100)", ("id", "why"), rows))
    return 1 if report["refused"] else 0


async def _drop(ids: list[str] | None, queue: str | None) -> None:
    dropped = 0
    async with open_api() as api:
        for params in _choices(ids):
            dropped += (await api.delete("/dead-letters", params | _only(queue)))["dropped"]
    Console().print(f"{dropped} dropped")


def _choices(ids: list[str] | None) -> list[dict[str, str]]:
    if ids is None:
        return [{"all": "true"}]
    starts = range(0, len(ids), DROPPED_TOGETHER)
    return [{"ids": ",".join(ids[start : start + DROPPED_TOGETHER])} for start in starts]
