"""The `herald` command: names the commands of cli/commands."""

import typer

from cli.commands import processes
from cli.lazy_commands import lazy_group

COMMANDS = {
    "up": "cli.commands.up:up_command",
    "demo": "cli.commands.demo:demo_command",
    "clients": "cli.commands.clients:app",
    "mailings": "cli.commands.mailings:app",
    "dead-letters": "cli.commands.dead_letters:app",
    "token": "cli.commands.token:app",
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
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
processes.register(app)

if __name__ == "__main__":
    app()
