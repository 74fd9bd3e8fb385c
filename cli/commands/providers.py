"""herald providers: checks the providers file, tries a provider, and drains and resumes them."""

import asyncio
import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console

from cli.commands.options import AsJson
from cli.connections.api import Json, open_api
from cli.connections.transport import judge
from cli.providers import trial
from cli.run import run
from cli.terminal.output import print_json
from cli.terminal.tables import make_table
from services.dispatcher.providers.checking import CheckedFile, check_providers
from services.dispatcher.providers.mapping import Surroundings
from shared.providers.faults import ProvidersFileError
from shared.settings import PREFIX, SettingsError
from shared.transport import weaknesses_of_http

app = typer.Typer(help="Check and watch the providers that send the messages.", no_args_is_help=True)

FILE_VARIABLE = f"{PREFIX}PROVIDERS_FILE"
COLUMNS = ("provider", "state", "per second", "in flight", "errors", "reason")
Name = Annotated[str, typer.Argument(help="The provider's name in the file.")]
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help=f"The providers file; {FILE_VARIABLE} without it.")
]


@app.command("check")
def check_file(file: FileArgument = None) -> None:
    """Check a providers file: read it, render every request dry, and say what is suspect.

    Prints one line for each fault, and exits with 2 if there is any. Warnings begin with "warning:", and leave 0.
    """
    path = file or _configured_file()
    checked = _check(path)
    for line in checked.warnings:
        typer.secho(f"warning: {line}", err=True, fg=typer.colors.YELLOW)
    count = len(checked.mappings)
    typer.echo(f"{path}: {count} provider{'s' * (count != 1)}: {', '.join(checked.mappings)}")


@app.command("list")
def list_providers(as_json: AsJson = False) -> None:
    """List the providers: their state, the rate in use, and the share of errors."""
    run(_list(as_json))


@app.command("try")
def try_provider(
    name: Name,
    phone: Annotated[str, typer.Option(help="The phone to send to, 7XXXXXXXXXX.")],
    text: Annotated[str, typer.Option(help="The text.")] = "Herald: a try",
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An attribute of the client; may be repeated.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help=f"The providers file; {FILE_VARIABLE} without it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Send one message through a provider, and show the request, the reply and its verdict.

    The request is shown first, with secrets masked. It costs what any message costs. Exits with 1 unless the message
    was accepted.
    """
    if not re.fullmatch(r"7\d{10}", phone):
        raise typer.BadParameter("a phone is 7 and ten digits", param_hint="--phone")
    mapping = _check(file or _configured_file()).mappings.get(name)
    if mapping is None:
        typer.secho(f"herald: the file has no provider {name}", err=True, fg=typer.colors.RED)
        raise typer.Exit(2)
    try:
        judge(weaknesses_of_http(mapping.config.request.url, "provider", f"providers.{name}.request.url"))
    except SettingsError as error:
        typer.secho(f"herald: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(2) from None
    pairs = [one.partition("=") for one in attribute or ()]
    values, request = trial.prepare(mapping, phone, text, {name: value for name, _, value in pairs})
    typer.echo(trial.show_request(mapping, request))
    if not yes:
        typer.confirm("Send it?", abort=True)
    reply, found = asyncio.run(trial.send(mapping, values, request))
    typer.echo(f"reply: {reply.kind} {reply.http_status or ''} {reply.detail or ''}".rstrip())
    typer.echo(trial.hide(reply.body.decode("utf-8", "replace")[:2000], mapping))
    typer.echo(f"verdict: {found.verdict}, {found.reason}")
    for what, value in (("id there", found.provider_id), ("cost", found.cost), ("retry after", found.retry_after)):
        if value is not None:
            typer.echo(f"{what}: {value}")
    raise typer.Exit(0 if found.verdict == "accepted" else 1)


@app.command("drain")
def drain_provider(name: Name) -> None:
    """Send nothing through a provider any more. Returns when no request to it can begin."""
    run(_change(name, "drain"))


@app.command("resume")
def resume_provider(name: Name) -> None:
    """Send through a drained provider again."""
    run(_change(name, "resume"))


@app.command("reload")
def reload_file(file: FileArgument = None) -> None:
    """Have every dispatcher read its providers file again. A file that is wrong here is not asked for.

    A dispatcher whose own file is wrong keeps the old one, and logs each fault.
    """
    if file is not None or os.environ.get(FILE_VARIABLE):
        _check(file or _configured_file())
    run(_reload())


async def _list(as_json: bool) -> None:
    async with open_api() as api:
        found = (await api.get("/providers"))["items"]
    if as_json:
        print_json(*found)
        return
    console = Console()
    if not found:
        console.print("no provider is in use: no dispatcher runs")
        return
    console.print(make_table("", COLUMNS, [_row(provider) for provider in found]))


def _row(provider: Json) -> list[object]:
    name = f"{provider['name']} (test mode)" if provider["test_mode"] else provider["name"]
    errors = f"{provider['failing']:.0%}"
    return [name, provider["state"], f"{provider['per_second']:.1f}", provider["in_flight"], errors, provider["reason"]]


async def _change(name: str, what: str) -> None:
    async with open_api() as api:
        shown = await api.post(f"/providers/{quote(name, safe='')}/{what}")
    typer.echo(f"{shown['name']}: {shown['state']}")


async def _reload() -> None:
    async with open_api() as api:
        asked = (await api.post("/providers/reload"))["dispatchers"]
    typer.echo(f"{asked} dispatcher{'s' * (asked != 1)} asked to read the file again")


def _check(path: Path) -> CheckedFile:
    """Checks a file. Prints its faults and ends the command if there are any."""
    try:
        return check_providers(path, os.environ, Surroundings("check", os.environ.get(f"{PREFIX}PUBLIC_URL")))
    except ProvidersFileError as error:
        for line in error.lines:
            typer.secho(line, err=True, fg=typer.colors.RED)
        raise typer.Exit(2) from None


def _configured_file() -> Path:
    found = os.environ.get(FILE_VARIABLE)
    if not found:
        typer.secho(f"herald: name a file, or set {FILE_VARIABLE}", err=True, fg=typer.colors.RED)
        raise typer.Exit(2)
    return Path(found)
