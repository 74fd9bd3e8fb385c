"""Structured logs: JSON lines on standard output, or lines that are easier to read on a console."""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from shared import tracebacks
from shared.redaction import Redactor, escape, escape_json, mask_phone

__all__ = ["configure", "get", "in_lines", "mask_phone", "renderer"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
LONGEST_DETAIL = 500
# A list longer than this takes several lines: Docker cuts lines at 16 KiB.
IDS_PER_LINE = 1000


def in_lines(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Splits ids into lists that are each short enough for one line."""
    for start in range(0, len(ids), IDS_PER_LINE):
        yield ids[start : start + IDS_PER_LINE]


class _Encoder:
    """An encoder of events as JSON lines, without phones, tokens and secrets, and without control characters."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, event: EventDict, **_: Any) -> bytes:
        line = _encode(event)
        if self._redactor.suspects(line):
            line = _encode(self._redactor.event(event))
        return escape_json(line)


def _encode(event: Any) -> bytes:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # orjson refuses lone surrogates and integers beyond 64 bits, which must not lose a line.
        return json.dumps(event, default=str).encode()


def _clean_for_terminal(redactor: Redactor) -> structlog.typing.Processor:
    """Makes a processor that redacts and escapes what a terminal shows.

    An exception keeps its line breaks: none of them comes from a value.
    """

    def clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {
            escape(key): value if key == "exception" or isinstance(value, int | float) else escape(str(value))
            for key, value in redactor.event(event).items()
        }

    return clean


def renderer() -> Callable[[EventDict], str]:
    """Makes a function that renders an event as a line to read, in colour on a terminal."""
    clean = _clean_for_terminal(Redactor())
    render = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), timestamp_key="time")
    return lambda event: str(render(None, "", cast(EventDict, clean(None, "", event))))


def _name_service(service: str) -> structlog.typing.Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def _format_exceptions(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = tracebacks.format_error(error)
    return event


def configure(service: str, *, level: str = "info", json: bool = True, secrets: Iterable[str] = ()) -> None:
    """Sets up logging for this process. Every line names the `service`, and no line shows one of `secrets`."""
    redactor = Redactor(secrets)
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _name_service(service),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _format_exceptions,
    ]
    factory: Any
    if json:
        processors += [structlog.processors.JSONRenderer(serializer=_Encoder(redactor))]
        factory = structlog.BytesLoggerFactory(sys.stdout.buffer)
    else:
        processors += [
            _clean_for_terminal(redactor),
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), timestamp_key="time"),
        ]
        factory = structlog.PrintLoggerFactory(sys.stdout)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    _quiet_libraries()


class _Forward(logging.Handler):
    """A handler that forwards warnings of libraries that use the standard logging module to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = get()
        write_line = log.error if record.levelno >= logging.ERROR else log.warning
        write_line(
            "library warning",
            library=record.name,
            detail=record.getMessage()[:LONGEST_DETAIL],
            exc_info=record.exc_info,
        )


def _quiet_libraries() -> None:
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(logging.WARNING)
    # Herald logs every failed connection itself.
    for library in ("aiormq", "aio_pika"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def get() -> FilteringBoundLogger:
    """Returns the logger of this process."""
    return cast(FilteringBoundLogger, structlog.get_logger())
