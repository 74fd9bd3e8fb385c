"""Options and arguments that several commands have."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.failure import Failure
from cli.terminal.moments import EXAMPLES, read_moment, to_api

# The highest id that the database can hold.
HIGHEST_ID = 2**63 - 1

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text, one object a line.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000_000, help="The most to show.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
MailingId = Annotated[int, typer.Argument(min=1, max=HIGHEST_ID, metavar="ID", help="Id of the mailing.")]


def parse_moment(text: str) -> str:
    """Parses a moment that was typed, for typer. Returns it as the API takes it."""
    try:
        return to_api(read_moment(text, datetime.now(UTC)))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from None


def moment_option(purpose: str) -> Any:
    """Makes an option that takes a moment."""
    return typer.Option(parser=parse_moment, metavar="TIME", help=f"{purpose} For example {EXAMPLES}.")


def choices_option(choices: Sequence[str], purpose: str) -> Any:
    """Makes an option that takes some of `choices`; typer itself cannot check a list of literals."""

    def parse(text: str) -> str:
        if text not in choices:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return typer.Option(
        parser=parse, metavar=f"[{'|'.join(choices)}]", help=purpose, autocompletion=lambda: list(choices)
    )


def confirm(question: str, yes: bool) -> None:
    """Asks the person at the terminal to confirm, unless `yes`. Without a terminal it is refused."""
    if yes:
        return
    # typer's own question would read the answer from a pipe, which may hold anything.
    if not typer.get_text_stream("stdin").isatty():
        raise Failure(f"{question} Nobody is here to confirm it: add --yes", code=2)
    if not typer.confirm(question, err=True):
        raise Failure("nothing was done")


def require_some(given: Sequence[object], names: str) -> None:
    """Raises BadParameter if no option of an edit was given."""
    if all(value is None for value in given):
        raise typer.BadParameter(f"give at least one of {names}")
