"""The `herald` command: registers the commands of cli/commands."""

import typer

from cli.commands import clients, dead_letters, mailings, processes, providers, token
from cli.commands.bench import bench_command
from cli.commands.demo import demo_command
from cli.commands.migrate import migrate_command
from cli.commands.topology import topology_command
from cli.commands.trace import trace_command
from cli.commands.up import up_command

app = typer.Typer(
    name="herald",
    help="Herald sends notifications to clients: each once, and in time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up_command)
app.command("demo")(demo_command)
app.add_typer(clients.app, name="clients")
app.add_typer(mailings.app, name="mailings")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(providers.app, name="providers")
app.add_typer(token.app, name="token")
app.command("trace")(trace_command)
app.command("migrate")(migrate_command)
app.command("topology")(topology_command)
app.command("bench")(bench_command)
processes.register(app)

if __name__ == "__main__":
    app()
