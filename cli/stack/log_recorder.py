"""What the processes of `herald up` say: kept in a file for each, and shown to people as they go."""

from pathlib import Path

import orjson

from cli.stack.output import LineSink
from shared import logs
from shared.redaction import escape

# A file that has grown so large gives way to a new one, and is kept until that is as large.
MOST_BYTES = 64 * 1024 * 1024


class LogRecorder:
    """A sink that keeps JSON lines for `herald trace`, and renders them for people where `readable`."""

    def __init__(self, folder: Path, show: LineSink, *, readable: bool, most_bytes: int = MOST_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._show, self._readable, self._most_bytes = folder, show, readable, most_bytes
        self._render = logs.renderer()

    def __call__(self, name: str, line: str) -> None:
        if line.startswith("{"):
            self._keep(self._folder / f"{name}.log", line)
        self._show(name, self._for_people(line) if self._readable else line)

    def _keep(self, path: Path, line: str) -> None:
        with path.open("a") as file:
            file.write(f"{line}\n")
            full = file.tell() >= self._most_bytes
        if full:
            path.replace(path.with_suffix(".log.1"))

    def _for_people(self, line: str) -> str:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            return escape(line)
        return self._render(event) if isinstance(event, dict) else escape(line)
