"""Reads Herald's log lines from plain files, from the output of docker compose, and from Docker's own files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

# No line of Herald is longer; a longer one is skipped, so that memory stays bounded.
LONGEST_LINE = 1024 * 1024
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
# The prefix of docker compose: the container and a bar.
_PREFIX = re.compile(rb"\s*([A-Za-z0-9_.-]+)\s*\|")

Event = dict[str, Any]


@dataclass(slots=True)
class Source:
    """A file of log lines.

    `name` is shown as the service if it names one of several processes of a kind, such as dispatcher-2.
    """

    file: BinaryIO
    name: str
    lines: int = 0
    # Lines that hold a brace, and so may be JSON.
    json_lines: int = 0

    def events(self, wanted: re.Pattern[bytes] | None) -> Iterator[tuple[str, Event]]:
        """Yields (service, event) of each line that matches `wanted`. Lines that are not Herald's are skipped."""
        for line in _lines_of(self.file):
            self.lines += 1
            start = line.find(b"{")
            if start < 0:
                continue
            self.json_lines += 1
            if wanted is not None and wanted.search(line) is None:
                continue
            event = read_event(line[start:])
            if event is not None:
                yield self._service(line[:start], event), event

    def _service(self, before: bytes, event: Event) -> str:
        found = _PREFIX.match(_COLOUR.sub(b"", before))
        service = str(event.get("service", ""))
        for name in (found[1].decode() if found else "", self.name):
            # dispatcher-2 is more exact than dispatcher.
            if service and re.search(rf"(^|[-_]){re.escape(service)}([-_]\d+)?$", name):
                return name
        return service or self.name


def read_event(text: bytes) -> Event | None:
    """Parses one line. Returns None if it is not Herald's. Docker's own files wrap each line in a JSON object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    if isinstance(found.get("log"), str) and "stream" in found:
        return read_event(found["log"].encode())
    return found if isinstance(found.get("event"), str) and isinstance(found.get("time"), str) else None


def _lines_of(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while rest := file.readline(LONGEST_LINE):
                if rest.endswith(b"\n"):
                    break
            continue
        yield line
