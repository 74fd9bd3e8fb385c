"""herald report: shows the daily report, writes it as a page, or sends it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import aiormq
import typer

from cli.connections.addresses import find_broker, find_database
from cli.connections.broker import open_broker
from cli.connections.database import open_database
from cli.connections.transport import judge
from cli.failure import Failure
from cli.run import run
from services.planner.report.compose import read_report
from services.planner.report.figures import Day, Report
from services.planner.report.forms import render_html, render_text
from services.planner.report.mail import NotTaken, TakenPerhaps, compose, hand_over
from services.planner.report.settings import MailServer, ReportSettings
from services.planner.report.tables import arrange
from services.planner.report.words import Words
from shared import settings, topology
from shared.broker import BROKER_OUTAGES

# Those of all moments of the API. The report looks a day and more to either side.
YEARS = (1970, 9998)


def report_command(
    date_: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The day, by default yesterday.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it by e-mail to HERALD_REPORT_TO.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as a page to this file.")] = None,
) -> None:
    """Show the report of a day: what was sent, what failed and why, and what comes next.

    The day is one of HERALD_REPORT_TIMEZONE. Planners send the report of yesterday by themselves, at HERALD_REPORT_AT,
    where HERALD_REPORT_TO names somebody.
    """
    run(_report(date_.date() if date_ else None, send, html))


async def _report(date_: date | None, send: bool, html: Path | None) -> None:
    config = settings.load(ReportSettings)
    if send and not config.report_to:
        raise Failure("HERALD_REPORT_TO names nobody to send it to", code=2)
    if date_ is not None and not YEARS[0] <= date_.year <= YEARS[1]:
        raise Failure(f"--date must be between the years {YEARS[0]} and {YEARS[1]}", code=2)
    now, zone = datetime.now(UTC), ZoneInfo(config.report_timezone)
    day = Day(date_ or now.astimezone(zone).date() - timedelta(days=1), zone)
    database = find_database()
    async with open_database(database.url, remedy=database.remedy) as connection:
        report = await read_report(connection, day, now, count_dead_letters)
    words = Words(config.report_language)
    if html is not None:
        _write(html, render_html(arrange(report, words), words.language))
    if send:
        await _send(report, config, words)
    if html is None and not send:
        typer.echo(render_text(arrange(report, words)), nl=False)


async def count_dead_letters() -> int | None:
    """Counts what waits in the dead queues. Returns None where nobody names a broker, and where it is away."""
    try:
        found = find_broker()
        async with open_broker(found.url, remedy=found.remedy) as connection, connection.channel() as channel:
            queues = [await channel.declare_queue(name, passive=True) for name in topology.DEAD_QUEUES]
    except (Failure, aiormq.exceptions.ChannelNotFoundEntity, *BROKER_OUTAGES):
        return None
    return sum(queue.declaration_result.message_count or 0 for queue in queues)


async def _record_nothing() -> None:
    """Does nothing before the text is handed over: only planners keep that, against a second report."""


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", code=2) from error
    typer.echo(f"written to {file}", err=True)


async def _send(report: Report, config: ReportSettings, words: Words) -> None:
    message = compose(report, words, sender=config.report_from, recipients=config.report_to)
    judge(config.weaknesses())
    server = MailServer.parse(config.smtp_url.get_secret_value())
    try:
        refused = await hand_over(server, message, _record_nothing)
    except NotTaken as error:
        raise Failure(f"the mail server {server.host}:{server.port} did not take the report: {error}") from error
    except TakenPerhaps as error:
        raise Failure(f"the mail server may have taken the report: {error}") from error
    for one in refused:
        typer.echo(f"refused: {one}", err=True)
    typer.echo(f"sent to {', '.join(config.report_to)}", err=True)
    if refused:
        raise typer.Exit(1)
