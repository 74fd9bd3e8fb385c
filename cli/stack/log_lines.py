"""Renders the log lines of a stack for a person at a terminal of 80 columns. Pure, but for its width."""

import shutil
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from shared.redaction import escape

# What the prefix of a line, the time and the event say already, or what only `herald trace` needs.
PLACED = frozenset({"time", "level", "event", "exception", "service", "request_id"})
COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m"}
OFF, DIM, BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
# 2026-05-04T12:00:00.123456Z: the clock is what stands between these places.
CLOCK = slice(11, 19)
# Room for the prefix and the time, under which nothing of a folded line stands.
INDENT = 23


def line_renderer(*, colours: bool, width: Callable[[], int | None]) -> Callable[[Mapping[str, Any]], str]:
    """Makes a function that renders an event of a JSON line as text, escaped but not redacted again.

    An event of a level above info is marked. `width` returns the columns of the terminal, at which lines are folded
    between two fields, or None to leave them whole.
    """
    off, dim, bold = (OFF, DIM, BOLD) if colours else ("",) * 3
    by_level = COLOURS if colours else {}

    def render(event: Mapping[str, Any]) -> str:
        level = _text(event.get("level", ""))
        mark = "" if level in {"info", "debug", ""} else f"{level.upper()} "
        clock, what = _text(event.get("time", ""))[CLOCK], mark + _text(event.get("event", ""))
        fields = [f"{_text(key)}={_value(value)}" for key, value in event.items() if key not in PLACED]
        plain = fold(" ".join((what, *fields)) if not fields else f"{what}  {' '.join(fields)}", width(), INDENT)
        line = f"{dim}{clock}Z{off} {by_level.get(level, bold)}{plain[: len(what)]}{off}{plain[len(what) :]}"
        exception = event.get("exception")
        if exception is not None:
            line += "".join(f"\n{escape(one)}" for one in str(exception).split("\n"))
        return line

    return render


def fold(text: str, width: int | None, indent: int) -> str:
    """Breaks a text between words so that it fits into `width` columns, of which the first `indent` stay free.

    A word that is too long for a line stays whole: it may be an address that somebody copies.
    """
    if width is None or len(text) <= width - indent:
        return text
    lines, line = list[str](), ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width - indent:
            lines.append(line.rstrip())
            line = word
        else:
            line = f"{line} {word}" if line else word
    return f"\n{' ' * indent}".join([*lines, line])


def terminal_width(output: TextIO) -> int | None:
    """Returns the columns of the terminal, or None if the output is no terminal."""
    return shutil.get_terminal_size().columns if output.isatty() else None


def _value(value: Any) -> str:
    text = _text(value)
    return f'"{text}"' if " " in text or not text else text


def _text(value: Any) -> str:
    text = value if type(value) is str else str(value)
    return text if text.isprintable() else escape(text)
