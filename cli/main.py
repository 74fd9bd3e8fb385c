"""The `herald` command: names the commands of cli/commands."""

from typing import Annotated

import typer

from cli.commands import processes
from cli.lazy_commands import lazy_group

COMMANDS = {
    "up": "cli.commands.up:up_command",
    "demo": "cli.commands.demo:demo_command",
    "clients": "cli.commands.clients:app",
    "segments": "cli.commands.segments:app",
    "suppressions": "cli.commands.suppressions:app",
    "mailings": "cli.commands.mailings:app",
    "dead-letters": "cli.commands.dead_letters:app",
    "providers": "cli.commands.providers:app",
    "token": "cli.commands.token:app",
    "sessions": "cli.commands.sessions:app",
    "trace": "cli.commands.trace:trace_command",
    "migrate": "cli.commands.migrate:migrate_command",
    "topology": "cli.commands.topology:topology_command",
    "report": "cli.commands.report:report_command",
    "bench": "cli.commands.bench:bench_command",
}

app = typer.Typer(
    cls=lazy_group(COMMANDS),
    name="herald",
    help="Herald sends notifications to clients: each once, and in time.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    # Paragraphs are filled; the default keeps the line breaks of the source.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"herald {version('herald')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Herald sends notifications to clients: each once, and in time."""


processes.register(app)

if __name__ == "__main__":
    app()
