"""herald clients: shows and changes the client directory, imports and exports it."""

from cli.commands.clients import edits, files, transfers, views
from cli.commands.clients.group import app

__all__ = ["app", "edits", "files", "transfers", "views"]
