"""herald migrate."""

import typer

from cli.connections.database import apply_migrations
from cli.run import run
from shared import logs, settings
from shared.settings import DatabaseSettings, Settings

# In containers the database often starts at the same moment.
PATIENCE_SECONDS = 60


class MigrateSettings(Settings, DatabaseSettings):
    pass


def migrate_command() -> None:
    """Brings the database schema up to date; safe when several run at once."""
    run(_migrate())


async def _migrate() -> None:
    config = settings.load(MigrateSettings)
    logs.configure("migrate", level=config.log_level, json=config.log_format == "json")
    applied = await apply_migrations(config.database_url.get_secret_value(), PATIENCE_SECONDS)
    typer.echo(f"migrations: {', '.join(applied) or 'nothing to do'}", err=True)
