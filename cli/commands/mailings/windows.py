"""The window of a mailing, as it is typed."""

import re
from typing import Any

import typer

from shared.window import WEEKDAYS, read_days

HOURS = (
    "Hours of the client's local day in which messages are sent, such as 09:00-21:00, and the days of the week, such "
    "as '09:00-21:00 mon-fri'"
)
_WINDOW = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)(?: +([a-z,-]+))?")
_NO_WINDOW = "none"


def window_option(purpose: str) -> Any:
    """Makes an option that takes a window."""
    return typer.Option(parser=_parse, metavar="WINDOW", help=purpose)


def _parse(text: str) -> str:
    """Checks a window, for typer."""
    found = _WINDOW.fullmatch(text)
    if text != _NO_WINDOW and (found is None or not set(read_days(found[3] or "mon")) <= set(WEEKDAYS)):
        raise typer.BadParameter(f"{text!r} is not a window such as 09:00-21:00, or 09:00-21:00 mon-fri")
    return text


def read_window(text: str) -> dict[str, str | list[str]] | None:
    """Returns a checked window as the API takes it; None for the word none."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        return None
    window: dict[str, str | list[str]] = {"from": found[1], "to": found[2]}
    return window | ({"days": read_days(found[3])} if found[3] else {})
