"""Keeps the log lines of the processes of `herald up` in a file each, and shows them at the terminal."""

from pathlib import Path

import orjson

from cli.stack.output import LineSink
from shared import logs
from shared.redaction import escape

# A larger file is renamed to .log.1, which replaces the one before it.
MAX_BYTES = 64 * 1024 * 1024


class LogRecorder:
    """A sink that appends JSON lines to files for `herald trace`, and passes every line on to `show`.

    With `readable` it renders JSON lines as text before it passes them on.
    """

    def __init__(self, folder: Path, show: LineSink, *, readable: bool, max_bytes: int = MAX_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._show = show
        self._readable = readable
        self._max_bytes = max_bytes
        self._render = logs.renderer()

    def __call__(self, name: str, line: str) -> None:
        if line.startswith("{"):
            self._append(self._folder / f"{name}.log", line)
        self._show(name, self._as_text(line) if self._readable else line)

    def _append(self, path: Path, line: str) -> None:
        with path.open("a") as file:
            file.write(f"{line}\n")
            full = file.tell() >= self._max_bytes
        if full:
            path.replace(path.with_suffix(".log.1"))

    def _as_text(self, line: str) -> str:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            return escape(line)
        return self._render(event) if isinstance(event, dict) else escape(line)
