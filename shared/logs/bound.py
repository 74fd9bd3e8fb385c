"""Makes structlog's logger faster without changing how it is used."""

from typing import Any

import structlog
from structlog.typing import BindableLogger

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def make_logger_class(level: int) -> type[BindableLogger]:
    """Makes the class of bound loggers that leave out what is below `level`, a number of the logging module.

    A line goes through the processors as with structlog's own class, but its fields are copied once, not three times.
    """
    leveled: Any = structlog.make_filtering_bound_logger(level)
    methods = {name: _method(name) for name, number in LEVELS.items() if number >= level}
    made: type[BindableLogger] = type("HeraldLogger", (leveled,), methods)
    return made


def _method(level: str) -> Any:
    def write(self: Any, event: str, **fields: Any) -> None:
        line: Any = {**self._context, **fields} if self._context else fields
        line["event"] = event
        sink = self._logger
        try:
            for process in self._processors:
                line = process(sink, level, line)
        except structlog.DropEvent:
            return
        getattr(sink, level)(line)

    return write


class LazyLogger:
    """A logger that takes its methods from structlog at their first use, and keeps them once logs are configured."""

    def __getattr__(self, name: str) -> Any:
        method = getattr(structlog.get_logger().bind(), name)
        if structlog.get_config()["cache_logger_on_first_use"]:
            setattr(self, name, method)
        return method
