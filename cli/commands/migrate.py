"""herald migrate: brings the database schema up to date."""

import typer

from cli.connections.database import apply_migrations
from cli.run import run
from shared import logs, settings
from shared.settings import DatabaseSettings, Settings

# In containers the database often starts at the same moment as this command.
WAIT_SECONDS = 60


class MigrateSettings(Settings, DatabaseSettings):
    pass


def migrate_command() -> None:
    """Bring the database schema up to date.

    Waits up to a minute for PostgreSQL. It is safe to run the command several times at once.
    """
    run(_migrate())


async def _migrate() -> None:
    config = settings.load(MigrateSettings)
    logs.configure("migrate", level=config.log_level, json=config.log_format == "json")
    applied = await apply_migrations(config.database_url.get_secret_value(), WAIT_SECONDS)
    typer.echo(f"migrations: {', '.join(applied) or 'nothing to do'}", err=True)
