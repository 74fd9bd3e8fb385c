"""herald migrate: brings the database schema up to date."""

import typer

from cli.connections.addresses import find_database
from cli.connections.database import apply_migrations
from cli.run import run
from shared import logs, settings
from shared.settings import Settings

# In containers the database often starts at the same moment as this command.
WAIT_SECONDS = 60


def migrate_command() -> None:
    """Bring the database schema up to date.

    Waits up to a minute for the PostgreSQL of HERALD_DATABASE_URL. It is safe to run the command several times at once.
    """
    run(_migrate())


async def _migrate() -> None:
    config, found = settings.load(Settings), find_database()
    logs.configure("migrate", level=config.log_level, json=config.log_format == "json")
    applied = await apply_migrations(found.url, WAIT_SECONDS if found.given else 0, found.remedy)
    typer.echo(f"migrations: {', '.join(applied) or 'nothing to do'}", err=True)
