"""herald mailings pause, resume, cancel, resend."""

from typing import Annotated

import typer

from cli.commands.mailings.group import app
from cli.commands.options import AsJson, MailingId, choices_option, moment_option
from cli.connections.api import Json, open_api
from cli.run import run
from cli.terminal.output import print_json
from cli.terminal.wording import count
from shared.statuses import UNSENT_STATUSES, UnsentStatus

RESENT_BY_DEFAULT: tuple[UnsentStatus, ...] = ("rejected", "exhausted")


@app.command("pause")
def pause_mailing(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Pause a mailing: nothing is sent until it is resumed."""
    run(_control(mailing_id, "pause", as_json))


@app.command("resume")
def resume_mailing(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Resume a paused mailing."""
    run(_control(mailing_id, "resume", as_json))


@app.command("cancel")
def cancel_mailing(mailing_id: MailingId, as_json: AsJson = False) -> None:
    """Cancel a mailing for good. It does not ask, so that nothing stands between you and the end of its sending."""
    run(_control(mailing_id, "cancel", as_json))


@app.command("resend")
def resend_mailing(
    mailing_id: MailingId,
    status: Annotated[
        list[str] | None,
        choices_option(
            UNSENT_STATUSES, "Only messages with this status; may be repeated. Default: rejected and exhausted."
        ),
    ] = None,
    end_at: Annotated[
        str | None, moment_option("A new deadline; needed for a mailing whose deadline has passed.")
    ] = None,
    undelivered: Annotated[
        bool,
        typer.Option(
            "--undelivered",
            help="Sent messages instead that are undelivered by the provider's receipt. Each costs once more.",
        ),
    ] = False,
    include_unknown: Annotated[
        bool,
        typer.Option(
            "--include-unknown", help="Also messages whose outcome is unknown: a client may get such a one twice."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send the failed messages of a mailing again, with a new budget of attempts.

    This is not possible after the mailing has been cancelled.
    """
    if undelivered and (status or include_unknown):
        raise typer.BadParameter("goes neither with --status nor with --include-unknown", param_hint="--undelivered")
    chosen: Json = {"delivery": ["undelivered"]} if undelivered else {"statuses": list(status or RESENT_BY_DEFAULT)}
    body = chosen | ({"end_at": end_at} if end_at else {})
    run(_resend(mailing_id, body | ({"include_unknown": True} if include_unknown else {}), as_json))


async def _control(mailing_id: int, action: str, as_json: bool) -> None:
    async with open_api() as api:
        mailing = await api.post(f"/mailings/{mailing_id}/{action}")
    if as_json:
        print_json(mailing)
    else:
        typer.echo(f"mailing {mailing_id} is {mailing['status']}")


async def _resend(mailing_id: int, body: Json, as_json: bool) -> None:
    async with open_api() as api:
        done = await api.post(f"/mailings/{mailing_id}/resend", body)
    if as_json:
        print_json(done)
        return
    number = done["messages"]
    typer.echo(f"{count(number, 'message')} {'is' if number == 1 else 'are'} sent again")
