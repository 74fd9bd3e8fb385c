"""A reader of server-sent events, written by hand from the standard."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse

LONGEST_LINE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: Any


async def events_of(response: ClientResponse) -> AsyncIterator[Event]:
    """Reads events until the stream ends; comments are skipped."""
    name, lines = "message", list[str]()
    while raw := await response.content.readline(max_line_length=LONGEST_LINE):
        line = raw.decode().rstrip("\r\n")
        if not line:
            if lines:
                yield Event(name, json.loads("\n".join(lines)))
            name, lines = "message", []
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            lines.append(line.removeprefix("data: "))
        else:
            assert line.startswith((":", "retry: ")), line
