"""herald mailings: shows, creates, changes and controls mailings."""

from cli.commands.mailings import control, drafts, edits, views
from cli.commands.mailings.group import app

__all__ = ["app", "control", "drafts", "edits", "views"]
