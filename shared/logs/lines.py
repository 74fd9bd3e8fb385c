"""Renders events as JSON lines, or as text for a terminal. Pure, but for the clock."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from shared import tracebacks
from shared.redaction import Redactor, escape, escape_json

# A value that orjson does not know becomes text; the line feed is the end of the line.
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
_NANOSECONDS = 10**9


class Clock:
    """Renders the present time in UTC, with microseconds."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def __call__(self) -> str:
        # The second is rendered once, since a busy process logs thousands of lines in it.
        second, rest = divmod(time.time_ns(), _NANOSECONDS)
        if second != self._second:
            self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = second
        return f"{self._prefix}.{rest // 1000:06d}Z"


def complete(service: str) -> structlog.typing.Processor:
    """Makes a processor that adds to an event its level, the service, and the exception as text."""

    def add(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
        event["level"] = level
        event["service"] = service
        if "exc_info" in event:
            _format_exception(event)
        return event

    return add


def _format_exception(event: EventDict) -> None:
    found = event.pop("exc_info")
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = tracebacks.format_error(error)


class JsonLines:
    """A processor that adds the time, and encodes events as JSON lines, without phones, tokens, secrets
    and control characters.

    Raises no error, whatever an event holds.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._now = Clock()

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> bytes:
        event.pop("time", None)
        plain = self._redactor.is_plain(event)
        event["time"] = self._now()
        if plain:
            return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        line = _encode(event)
        if self._redactor.suspects(line):
            line = _encode(self._redactor.event(event))
        return escape_json(line)


def _encode(event: Any) -> bytes:
    try:
        return orjson.dumps(event, default=str, option=_OPTIONS)
    except TypeError:
        # orjson refuses lone surrogates and integers beyond 64 bits, which must not lose a line.
        return json.dumps(event, default=str).encode() + b"\n"


def text_lines(redactor: Redactor, *, colours: bool) -> structlog.typing.Processor:
    """Makes a processor that adds the time, and renders events as text, redacted and escaped.

    An exception keeps its line breaks: none of them comes from a value.
    """
    show = structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="time")
    now = Clock()

    def render(logger: WrappedLogger, level: str, event: EventDict) -> bytes:
        event["time"] = now()
        clean = {
            escape(key): value if key == "exception" or isinstance(value, int | float) else escape(str(value))
            for key, value in redactor.event(event).items()
        }
        return f"{show(logger, level, cast(EventDict, clean))}\n".encode(errors="backslashreplace")

    return render


# A line of a process is shown once it is in the file, where it has been redacted already.
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_OFF, _DIM, _BOLD, _CYAN = "\x1b[0m", "\x1b[2m", "\x1b[1m", "\x1b[36m"
_PLACED = frozenset({"time", "level", "event", "exception"})


def renderer(*, colours: bool) -> Callable[[dict[str, Any]], str]:
    """Makes a fast function that renders the event of a JSON line of Herald as text, escaped but not redacted again."""
    off, dim, bold, cyan = (_OFF, _DIM, _BOLD, _CYAN) if colours else ("",) * 4
    by_level = _COLOURS if colours else {}

    def render(event: dict[str, Any]) -> str:
        level = _text(event.get("level", ""))
        parts = [
            f"{dim}{_text(event.get('time', ''))}{off} [{by_level.get(level, '')}{level:<7}{off}] "
            f"{bold}{_text(event.get('event', '')):<30}{off}"
        ]
        parts += [f"{cyan}{_text(key)}{off}={_text(value)}" for key, value in event.items() if key not in _PLACED]
        line = " ".join(parts)
        exception = event.get("exception")
        if exception is not None:
            line += "".join(f"\n{escape(one)}" for one in str(exception).split("\n"))
        return line

    return render


def _text(value: Any) -> str:
    text = value if type(value) is str else str(value)
    return text if text.isprintable() else escape(text)
