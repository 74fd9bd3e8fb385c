"""herald mailings: create them, look at them, steer them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from cli.connections.api import Json, open_api
from cli.run import run
from cli.terminal.progress import watch_mailing
from cli.terminal.tables import mailing_table, make_table, preview_table, statistics_table
from shared.statuses import UNSENT_STATUSES, MailingStatus, UnsentStatus

app = typer.Typer(help="Create, show and steer mailings.", no_args_is_help=True)

MailingId = Annotated[int, typer.Argument(min=1, metavar="ID")]


WINDOW = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
LISTED = ("id", "status", "total", "start_at", "end_at", "text")
TEXT_WIDTH = 40
RESENT_BY_DEFAULT: tuple[UnsentStatus, ...] = ("rejected", "exhausted")


def _unsent_status(text: str) -> str:
    """Checks a status of `resend`; typer itself takes no list of literals."""
    if text not in UNSENT_STATUSES:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(UNSENT_STATUSES)}")
    return text


@app.command("list")
def list_mailings(status: Annotated[MailingStatus | None, typer.Option(help="Only those")] = None) -> None:
    """List all mailings."""
    run(_list(status))


@app.command("show")
def show_mailing(mailing_id: MailingId) -> None:
    """Show one mailing."""
    run(_show(mailing_id))


@app.command("create")
def create_mailing(
    text: Annotated[str, typer.Option(help="What is sent")],
    end_at: Annotated[str, typer.Option(help="The deadline, like 2030-01-31T18:00:00+03:00")],
    start_at: Annotated[str | None, typer.Option(help="Default: now")] = None,
    operator: Annotated[list[str] | None, typer.Option(help="An operator code; may be repeated")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated")] = None,
    window: Annotated[str | None, typer.Option(help="Hours of the client's local day, like 09:00-21:00")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only count who would get it; nothing is created")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Watch it afterwards")] = False,
) -> None:
    """Create a mailing. Operators are alternatives, tags are alternatives; of both, both must hold."""
    body: Json = {"text": text, "end_at": end_at, "filter": {"operator_codes": operator or [], "tags": tag or []}}
    if start_at is not None:
        body["start_at"] = start_at
    if window is not None:
        body["window"] = _read_window(window)
    run(_preview(body) if preview else _create(body, watch))


@app.command("pause")
def pause_mailing(mailing_id: MailingId) -> None:
    """Stop sending until it is resumed."""
    run(_steer(mailing_id, "pause"))


@app.command("resume")
def resume_mailing(mailing_id: MailingId) -> None:
    """Go on with a paused mailing."""
    run(_steer(mailing_id, "resume"))


@app.command("cancel")
def cancel_mailing(mailing_id: MailingId) -> None:
    """Stop a mailing for good."""
    run(_steer(mailing_id, "cancel"))


@app.command("resend")
def resend_mailing(
    mailing_id: MailingId,
    status: Annotated[
        list[str] | None,
        typer.Option(
            parser=_unsent_status,
            metavar=f"[{'|'.join(UNSENT_STATUSES)}]",
            help="Which messages; may be repeated. Default: rejected and exhausted",
        ),
    ] = None,
) -> None:
    """Send failed messages again, with a new budget of attempts. Not after a cancel or the end."""
    run(_resend(mailing_id, status or RESENT_BY_DEFAULT))


@app.command("watch")
def watch(mailing_id: MailingId) -> None:
    """Show a live progress bar until the mailing has ended."""
    run(_watch(mailing_id))


def _read_window(text: str) -> dict[str, str]:
    found = WINDOW.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a window like 09:00-21:00")
    return {"from": found[1], "to": found[2]}


async def _list(status: str | None) -> None:
    params = {"limit": "1000"} | ({"status": status} if status else {})
    rows: list[list[object]] = []
    async with open_api() as api:
        while True:
            page = await api.get("/mailings", params)
            rows += [_row(mailing) for mailing in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
    Console().print(make_table("", LISTED, rows))


def _row(mailing: Json) -> list[object]:
    text = mailing["text"].replace("\n", " ")
    short = text if len(text) <= TEXT_WIDTH else f"{text[: TEXT_WIDTH - 1]}…"
    moments = (_to_the_second(mailing[column]) for column in ("start_at", "end_at"))
    return [mailing["id"], mailing["status"], mailing["total"], *moments, short]


def _to_the_second(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%SZ")


async def _show(mailing_id: int) -> None:
    async with open_api() as api:
        Console().print(mailing_table(await api.get(f"/mailings/{mailing_id}")))


async def _create(body: Json, watch: bool) -> None:
    async with open_api() as api:
        mailing = await api.post("/mailings", body)
    Console().print(mailing_table(mailing))
    if watch:
        await _watch(mailing["id"])


async def _preview(body: Json) -> None:
    async with open_api() as api:
        Console().print(preview_table(await api.post("/mailings/preview", body)))


async def _steer(mailing_id: int, action: str) -> None:
    async with open_api() as api:
        mailing = await api.post(f"/mailings/{mailing_id}/{action}")
    Console().print(f"mailing {mailing_id} is {mailing['status']}")


async def _resend(mailing_id: int, statuses: Sequence[str]) -> None:
    async with open_api() as api:
        done = await api.post(f"/mailings/{mailing_id}/resend", {"statuses": list(statuses)})
    Console().print(f"{done['messages']} messages are sent again")


async def _watch(mailing_id: int) -> None:
    console = Console()
    async with open_api() as api:
        statistics = await watch_mailing(api, mailing_id, console)
    console.print(statistics_table(statistics))
