"""The `herald` command: registers the commands of cli/commands."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli.commands import clients, dead_letters, mailings, processes, token
from cli.commands.bench import bench_command
from cli.commands.demo import demo_command
from cli.commands.migrate import migrate_command
from cli.commands.report import report_command
from cli.commands.topology import topology_command
from cli.commands.trace import trace_command
from cli.commands.up import up_command
from cli.terminal.usage import WordedGroup

app = typer.Typer(
    name="herald",
    help="Herald sends notifications to clients: each once, and in time.",
    cls=WordedGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    # Paragraphs are filled; the default keeps the line breaks of the source.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"herald {version('herald')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Herald sends notifications to clients: each once, and in time."""


app.command("up")(up_command)
app.command("demo")(demo_command)
app.add_typer(clients.app, name="clients")
app.add_typer(mailings.app, name="mailings")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(token.app, name="token")
app.command("trace")(trace_command)
app.command("migrate")(migrate_command)
app.command("topology")(topology_command)
app.command("report")(report_command)
app.command("bench")(bench_command)
processes.register(app)

if __name__ == "__main__":
    app()
