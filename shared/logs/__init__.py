"""Structured logs: JSON lines on standard output or in a file, or lines that are easier to read on a console."""

import atexit
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import structlog
from structlog.typing import FilteringBoundLogger

from shared.logs.bound import LEVELS, LazyLogger, make_logger_class
from shared.logs.lines import JsonLines, complete, text_lines, wants_colour
from shared.logs.repeats import RepeatedCauses
from shared.logs.sink import DescriptorOutput, FileOutput, LogOutput, LogSink
from shared.redaction import Redactor, mask_phone

__all__ = ["RepeatedCauses", "configure", "flush", "get", "in_lines", "mask_phone", "wants_colour"]

LONGEST_DETAIL = 500
# A list longer than this takes several lines: Docker cuts lines at 16 KiB.
IDS_PER_LINE = 1000


def in_lines(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Splits ids into lists that are each short enough for one line."""
    for start in range(0, len(ids), IDS_PER_LINE):
        yield ids[start : start + IDS_PER_LINE]


def configure(
    service: str, *, level: str = "info", json: bool = True, secrets: Iterable[str] = (), file: Path | None = None
) -> None:
    """Sets up logging for this process. Every line names the `service`, and no line shows one of `secrets`.

    The lines go to standard output, or to `file`. Raises OSError when that cannot be opened.
    """
    redactor = Redactor(secrets)
    output: LogOutput = FileOutput(file) if file is not None else DescriptorOutput(sys.stdout.fileno())
    sink = LogSink(output, _log_loss)
    sink.redactor = redactor
    atexit.register(sink.close)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            complete(service),
            JsonLines(redactor) if json else text_lines(redactor, colours=file is None and wants_colour(sys.stdout)),
        ],
        wrapper_class=make_logger_class(LEVELS[level]),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=True,
    )
    _quiet_libraries()


def hide(secrets: Iterable[str]) -> None:
    """Shows none of these in any line from now on."""
    sink = structlog.get_config()["logger_factory"]()
    if isinstance(sink, LogSink) and sink.redactor is not None:
        sink.redactor.learn(secrets)


def flush() -> None:
    """Writes the lines of this turn now, as before the process is killed."""
    sink = structlog.get_config()["logger_factory"]()
    if isinstance(sink, LogSink):
        sink.flush()


def _log_loss(lines: int) -> None:
    log = get()
    log.warning("log lines lost", lines=lines)


class _Forward(logging.Handler):
    """A handler that forwards warnings of libraries with the standard logging module to structlog, and sums them."""

    def __init__(self) -> None:
        super().__init__()
        self._repeats = RepeatedCauses()

    def emit(self, record: logging.LogRecord) -> None:
        log = get()
        detail = record.getMessage()[:LONGEST_DETAIL]
        times = self._repeats.count(f"{record.levelno} {record.name} {detail}")
        if times:
            write_line = log.error if record.levelno >= logging.ERROR else log.warning
            write_line("library warning", library=record.name, detail=detail, times=times, exc_info=record.exc_info)


def _quiet_libraries() -> None:
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(logging.WARNING)
    # Herald logs every failed connection itself.
    for library in ("aiormq", "aio_pika"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)


def get() -> FilteringBoundLogger:
    """Returns the logger of this process. It may be used before `configure`, and follows it."""
    return cast(FilteringBoundLogger, LazyLogger())
