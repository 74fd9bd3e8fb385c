"""Structured logs: JSON lines on standard output, or console rendering for people."""

import json
import logging
import sys
from typing import Any, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def mask_phone(phone: str) -> str:
    """Keep the first four and last four digits: 79991234567 becomes 7999***4567."""
    return f"{phone[:4]}***{phone[-4:]}" if len(phone) >= 8 else "***"


def _encode(event: EventDict, **_: Any) -> bytes:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # orjson refuses lone surrogates and integers beyond 64 bits; a line is never lost for that.
        return json.dumps(event, default=str).encode()


def _name_service(service: str) -> structlog.typing.Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def configure(service: str, *, level: str = "info", json: bool = True) -> None:
    """Set up logging for this process. `service` is on every line."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _name_service(service),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    factory: Any
    if json:
        processors += [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_encode),
        ]
        factory = structlog.BytesLoggerFactory(sys.stdout.buffer)
    else:
        processors += [
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), timestamp_key="time"),
        ]
        factory = structlog.PrintLoggerFactory(sys.stdout)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    _quiet_libraries(service)


class _Forward(logging.Handler):
    """Hands warnings of libraries that use the standard logging module to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning("library warning", library=record.name, detail=record.getMessage()[:500])


def _quiet_libraries(_: str) -> None:
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(logging.WARNING)
    # Every failed connection is an event of ours already.
    for library in ("aiormq", "aio_pika"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def get() -> FilteringBoundLogger:
    return cast(FilteringBoundLogger, structlog.get_logger())
