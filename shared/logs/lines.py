"""Renders events as JSON lines, or as text for a terminal. Pure, but for the clock."""

import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any, TextIO, cast

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


def wants_colour(stream: TextIO) -> bool:
    """Returns whether text for this stream may be coloured: it is a terminal, and nobody has set NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
