"""herald providers: checks the providers file."""

import os
from pathlib import Path
from typing import Annotated

import typer

from services.dispatcher.providers.checking import check_providers
from services.dispatcher.providers.mapping import Surroundings
from shared.providers.faults import ProvidersFileError
from shared.settings import PREFIX

app = typer.Typer(help="Check and watch the providers that send the messages.", no_args_is_help=True)

FILE_VARIABLE = f"{PREFIX}PROVIDERS_FILE"
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help=f"The providers file; {FILE_VARIABLE} without it.")
]


@app.command("check")
def check_file(file: FileArgument = None) -> None:
    """Check a providers file: read it, render every request dry, and say what is suspect.

    Prints one line for each fault, and exits with 2 if there is any. Warnings begin with "warning:", and leave 0.
    """
    path = file or _configured_file()
    try:
        checked = check_providers(path, os.environ, Surroundings("check", os.environ.get(f"{PREFIX}PUBLIC_URL")))
    except ProvidersFileError as error:
        for line in error.lines:
            typer.secho(line, err=True, fg=typer.colors.RED)
        raise typer.Exit(2) from None
    for line in checked.warnings:
        typer.secho(f"warning: {line}", err=True, fg=typer.colors.YELLOW)
    count = len(checked.mappings)
    typer.echo(f"{path}: {count} provider{'s' * (count != 1)}: {', '.join(checked.mappings)}")


def _configured_file() -> Path:
    found = os.environ.get(FILE_VARIABLE)
    if not found:
        typer.secho(f"herald: name a file, or set {FILE_VARIABLE}", err=True, fg=typer.colors.RED)
        raise typer.Exit(2)
    return Path(found)
