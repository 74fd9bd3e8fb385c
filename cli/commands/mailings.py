"""herald mailings: creates, shows and controls mailings."""

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

app = typer.Typer(help="Create, show and control mailings.", no_args_is_help=True)

MailingId = Annotated[int, typer.Argument(min=1, metavar="ID", help="Id of the mailing.")]

WINDOW = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
COLUMNS = ("id", "status", "total", "start_at", "end_at", "text")
TEXT_WIDTH = 40
RESENT_BY_DEFAULT: tuple[UnsentStatus, ...] = ("rejected", "exhausted")


def _unsent_status(text: str) -> str:
    """Checks a status given to `resend`; typer cannot check a list of literals itself."""
    if text not in UNSENT_STATUSES:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(UNSENT_STATUSES)}")
    return text


@app.command("list")
def list_mailings(
    status: Annotated[MailingStatus | None, typer.Option(help="Only mailings with this status.")] = None,
) -> None:
    """List all mailings."""
    run(_list(status))


@app.command("show")
def show_mailing(mailing_id: MailingId) -> None:
    """Show one mailing with its counts."""
    run(_show(mailing_id))


@app.command("create")
def create_mailing(
    text: Annotated[str, typer.Option(help="Text of the messages.")],
    end_at: Annotated[str, typer.Option(help="Deadline, such as 2030-01-31T18:00:00+03:00. Nothing is sent after it.")],
    start_at: Annotated[str | None, typer.Option(help="Start, in the same form. Default: now.")] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="Only clients with this operator code; may be repeated.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only clients with this tag; may be repeated.")] = None,
    window: Annotated[
        str | None,
        typer.Option(help="Hours of the client's local day in which messages are sent, such as 09:00-21:00."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only count the recipients; create nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show a progress bar until the mailing has ended.")] = False,
) -> None:
    """Create a mailing to the clients with the given operator codes and tags.

    Operator codes are ORed, tags are ORed, and the two are ANDed. Without either, every client gets the mailing.
    """
    body: Json = {"text": text, "end_at": end_at, "filter": {"operator_codes": operator or [], "tags": tag or []}}
    if start_at is not None:
        body["start_at"] = start_at
    if window is not None:
        body["window"] = _read_window(window)
    run(_preview(body) if preview else _create(body, watch))


@app.command("pause")
def pause_mailing(mailing_id: MailingId) -> None:
    """Pause a mailing: nothing is sent until it is resumed."""
    run(_control(mailing_id, "pause"))


@app.command("resume")
def resume_mailing(mailing_id: MailingId) -> None:
    """Resume a paused mailing."""
    run(_control(mailing_id, "resume"))


@app.command("cancel")
def cancel_mailing(mailing_id: MailingId) -> None:
    """Cancel a mailing for good."""
    run(_control(mailing_id, "cancel"))


@app.command("resend")
def resend_mailing(
    mailing_id: MailingId,
    status: Annotated[
        list[str] | None,
        typer.Option(
            parser=_unsent_status,
            metavar=f"[{'|'.join(UNSENT_STATUSES)}]",
            help="Only messages with this status; may be repeated. Default: rejected and exhausted.",
        ),
    ] = None,
    end_at: Annotated[
        str | None, typer.Option(help="A new deadline; needed for a mailing whose deadline has passed.")
    ] = None,
) -> None:
    """Send the failed messages of a mailing again, with a new budget of attempts.

    This is not possible after the mailing has been cancelled.
    """
    run(_resend(mailing_id, status or RESENT_BY_DEFAULT, end_at))


@app.command("watch")
def watch(mailing_id: MailingId) -> None:
    """Show a progress bar until the mailing has ended."""
    run(_watch(mailing_id))


def _read_window(text: str) -> dict[str, str]:
    found = WINDOW.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a window such as 09:00-21:00")
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
    Console().print(make_table("", COLUMNS, rows))


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


async def _control(mailing_id: int, action: str) -> None:
    async with open_api() as api:
        mailing = await api.post(f"/mailings/{mailing_id}/{action}")
    Console().print(f"mailing {mailing_id} is {mailing['status']}")


async def _resend(mailing_id: int, statuses: Sequence[str], end_at: str | None) -> None:
    body: Json = {"statuses": list(statuses)} | ({"end_at": end_at} if end_at else {})
    async with open_api() as api:
        done = await api.post(f"/mailings/{mailing_id}/resend", body)
    Console().print(f"{done['messages']} messages are sent again")


async def _watch(mailing_id: int) -> None:
    console = Console()
    async with open_api() as api:
        statistics = await watch_mailing(api, mailing_id, console)
    console.print(statistics_table(statistics))
