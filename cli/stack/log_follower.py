"""Shows the log lines of the processes of `herald up` at the terminal, as they come into their files."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from cli.stack.output import NamedLine
from shared.redaction import escape

POLL_SECONDS = 0.1
# Of each file in one poll, so that none waits long for another.
CHUNK_BYTES = 1024 * 1024

Show = Callable[[Sequence[NamedLine]], None]
Render = Callable[[dict[str, Any]], str]


class FollowedFile:
    """A file that grows, and that may be renamed and begun anew."""

    def __init__(self, path: Path, *, from_end: bool) -> None:
        self._path = path
        self._rest = b""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if from_end:
            os.lseek(self._descriptor, 0, os.SEEK_END)

    def read_lines(self) -> list[bytes]:
        """Returns the new whole lines, without their line feeds, up to about 1 MiB of them."""
        renamed = self._was_renamed()
        chunk = os.read(self._descriptor, CHUNK_BYTES)
        if not chunk and renamed:
            self._reopen()
            chunk = os.read(self._descriptor, CHUNK_BYTES)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return lines

    def _was_renamed(self) -> bool:
        try:
            return os.stat(self._path).st_ino != os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return False

    def _reopen(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        os.close(self._descriptor)
        self._descriptor = descriptor

    def close(self) -> None:
        os.close(self._descriptor)


class LogFollower:
    """Shows the new lines of all files of a folder, in order of time among those that it finds together.

    `render` makes text of an event; without it, lines are shown as they are.
    """

    def __init__(self, folder: Path, show: Show, render: Render | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._show = show
        self._render = render
        self._files: dict[Path, FollowedFile] = {}
        self._stop = asyncio.Event()
        self._find(from_end=True)

    def _find(self, *, from_end: bool) -> None:
        for path in sorted(self._folder.glob("*.log")):
            if path not in self._files:
                self._files[path] = FollowedFile(path, from_end=from_end)

    def poll(self) -> bool:
        """Shows what is new, and returns whether there was anything. It may take as long as the terminal."""
        self._find(from_end=False)
        found = [
            self._read(line, path.stem) for path, file in self._files.items() for line in file.read_lines() if line
        ]
        # Lines of one process keep their order, also where two have the same time.
        found.sort(key=lambda line: line[0])
        self._show([(name, text) for _, name, text in found])
        return bool(found)

    def _read(self, line: bytes, name: str) -> tuple[str, str, str]:
        """Returns the time of a line, the name of its process, and its text."""
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            return "", name, escape(line.decode(errors="replace"))
        if not isinstance(event, dict):
            return "", name, escape(line.decode(errors="replace"))
        text = self._render(event) if self._render else line.decode(errors="replace")
        return str(event.get("time", "")), name, text

    async def run(self) -> None:
        """Shows lines until `close` is called."""
        while not self._stop.is_set():
            # In a thread, since a terminal that stands still must not stop the supervision of the processes.
            if not await asyncio.to_thread(self.poll):
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._stop.wait()

    def close(self) -> None:
        """Ends `run`."""
        self._stop.set()

    def show_rest(self) -> None:
        """Shows the last lines, and closes the files."""
        with suppress(OSError):
            while self.poll():
                pass
        for file in self._files.values():
            file.close()


@asynccontextmanager
async def follow_logs(folder: Path, show: Show, render: Render | None) -> AsyncIterator["asyncio.Task[None]"]:
    """Shows the lines that come into the files of a folder while the block runs. Yields the task that shows them."""
    follower = LogFollower(folder, show, render)
    task = asyncio.create_task(follower.run())
    try:
        yield task
    finally:
        follower.close()
        await asyncio.wait((task,))
        follower.show_rest()
