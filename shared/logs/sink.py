"""Writes log lines: one write for the lines of a turn of the event loop, warnings and errors at once."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from shared.redaction import Redactor

# A larger file is renamed to .log.1, which replaces the one before it.
MAX_BYTES = 64 * 1024 * 1024
# So many lines are written at once, however long the turn still takes: they are what a SIGKILL would lose.
MOST_LINES = 500
# What waits for a reader that is slower than the log. Later lines are lost, and counted.
MOST_WAITING_BYTES = 8 * 1024 * 1024
RETRY_SECONDS = 0.05
LAST_SECONDS = 1.0


class LogOutput(Protocol):
    """Where lines go."""

    def write(self, data: bytes) -> int:
        """Writes some of `data`, and returns how many bytes. Raises OSError, and BlockingIOError while it is full."""
        ...

    def end_lines(self) -> None:
        """Is called after whole lines were written."""
        ...


class DescriptorOutput:
    """An output that is an open file descriptor, such as standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> int:
        return os.write(self._descriptor, data)

    def end_lines(self) -> None:
        """Has nothing to do: nobody but the reader of a pipe knows when it is full."""


class FileOutput:
    """An output that is a file, which is renamed to .log.1 and begun anew when it has become large."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._max_bytes = max_bytes
        self._open()

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._size = os.fstat(self._descriptor).st_size

    def write(self, data: bytes) -> int:
        written = os.write(self._descriptor, data)
        self._size += written
        return written

    def end_lines(self) -> None:
        """Begins a new file when this one is full."""
        if self._size < self._max_bytes:
            return
        full = self._descriptor
        self._path.replace(self._path.with_suffix(".log.1"))
        self._open()
        os.close(full)


class LogSink:
    """Keeps lines until the turn of the event loop ends, and writes them in their order with one write.

    An output that fails loses lines, and never the process: `on_recovery` gets the number of lost lines when lines can
    be written again.
    """

    def __init__(self, output: LogOutput, on_recovery: Callable[[int], None] = lambda _: None) -> None:
        # What masks the lines before they come here; whoever learns of a secret later tells it.
        self.redactor: Redactor | None = None
        self._output = output
        self._on_recovery = on_recovery
        self._lines: list[bytes] = []
        # What the output has taken only a part of, or nothing.
        self._rest = b""
        self._torn = False
        self._lost = 0
        self._scheduled: asyncio.AbstractEventLoop | None = None
        # A line may be logged while another is written: by another thread, or by a destructor in this one.
        self._lock = threading.RLock()
        self._writing = False

    def keep(self, line: bytes) -> None:
        """Takes a line, with its line feed, that may wait for the end of the turn. Without a loop it does not wait."""
        lines = self._lines
        lines.append(line)
        if len(lines) >= MOST_LINES:
            self.flush()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if loop is not self._scheduled:
            self._scheduled = loop
            loop.call_soon(self._end_turn)

    debug = info = keep

    def write_now(self, line: bytes) -> None:
        """Writes a line, and those before it, at once."""
        self._lines.append(line)
        self.flush()

    warning = error = critical = write_now

    def _end_turn(self) -> None:
        self._scheduled = None
        self.flush()

    def flush(self) -> None:
        """Writes what is kept. It never raises an error of the output."""
        with self._lock:
            if self._writing:
                return
            self._writing = True
            try:
                while (self._rest or self._lines) and self._write():
                    pass
            finally:
                self._writing = False
        if self._rest:
            self._retry_later()

    def close(self) -> None:
        """Writes what is kept as the process ends, and waits no longer than a second for a slow reader."""
        self.flush()
        until = time.monotonic() + LAST_SECONDS
        while self._rest and time.monotonic() < until:
            time.sleep(RETRY_SECONDS)
            self.flush()

    def _retry_later(self) -> None:
        """Tries again in a moment: the reader is slow, and the output said not to wait for it."""
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            if loop is not self._scheduled:
                self._scheduled = loop
                loop.call_later(RETRY_SECONDS, self._end_turn)

    def _write(self) -> bool:
        """Writes a part of what is kept, and returns whether the output may take more."""
        self._rest = self._rest or self._take()
        try:
            written = self._output.write(self._rest)
            self._rest = self._rest[written:]
            self._torn = bool(self._rest)
            if not self._rest:
                self._output.end_lines()
        except BlockingIOError:
            self._bound()
            return False
        except OSError:
            self._lost += self._rest.count(b"\n")
            self._rest = b""
            return True
        if self._lost and not self._rest:
            lost, self._lost = self._lost, 0
            self._on_recovery(lost)
        return True

    def _take(self) -> bytes:
        # Other threads append to this list meanwhile, so it is never replaced.
        count = len(self._lines)
        lines = b"".join(self._lines[:count])
        del self._lines[:count]
        # A line of which only a part was written must not swallow the next one.
        return b"\n" + lines if self._torn else lines

    def _bound(self) -> None:
        if len(self._rest) + sum(map(len, self._lines)) > MOST_WAITING_BYTES:
            self._lost += len(self._lines)
            self._lines.clear()
