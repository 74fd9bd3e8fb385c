"""Judges where a command connects to: refuses what is not protected, or warns of it where it is allowed."""

import functools

import typer

from shared import settings
from shared.settings import TransportSettings
from shared.transport import VARIABLE, Weakness


def judge(weaknesses: tuple[Weakness, ...]) -> None:
    """Warns on standard error of weaknesses that HERALD_INSECURE_TRANSPORT allows. Raises SettingsError for others."""
    settings.require_allowed(weaknesses, settings.load(TransportSettings).insecure_transport)
    if weaknesses:
        found = "; ".join(str(weakness) for weakness in weaknesses)
        _warn(f"warning: insecure transport, allowed by {VARIABLE}: {found}")


@functools.cache
def _warn(text: str) -> None:
    """Shows a warning once, however often a command connects."""
    typer.echo(text, err=True)
