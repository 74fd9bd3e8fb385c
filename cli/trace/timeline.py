"""One timeline of what the logs and the tables tell. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cli.trace.log_lines import Event
from cli.trace.target import ABOUT_MESSAGES, Target, bearing

# So many log lines are kept at the most; what is beyond them is counted.
MOST_LINES = 50_000
# What stands elsewhere in an entry, or is of no use in it.
_ELSEWHERE = frozenset({"time", "event", "service"})
_LISTS = {"message_ids": "messages", "client_ids": "clients"}
# What tells lines of the same event apart in a summary.
_SORTS = ("level", "method", "path", "verdict", "outcome", "status", "reason", "why")
# Requests that change nothing. Somebody who watches a mailing makes one a second.
_LOOKS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened. `service` is the process that logged it, or `tables`."""

    at: datetime
    service: str
    what: str
    details: dict[str, Any]


@dataclass(slots=True)
class _Summary:
    """Lines that tell the same: of single messages of a mailing, or of requests that only looked."""

    first: datetime
    last: datetime
    lines: int = 0
    messages: int = 0

    def entry(self, key: tuple[Any, ...]) -> TimelineEntry:
        service, what, *sorts = key
        told = {name: value for name, value in zip(_SORTS, sorts, strict=True) if value is not None}
        if told.get("level") == "info":
            del told["level"]
        if self.lines > 1:
            told |= {"lines": self.lines, "until": self.last}
        if self.messages:
            told["messages"] = self.messages
        return TimelineEntry(self.first, service, what, told)


@dataclass(slots=True)
class Collector:
    """Takes log lines in, and keeps what is about the target, in bounded memory.

    Lines about single messages of a mailing, and about requests that only looked, are summed up, unless `each` is
    wanted.
    """

    target: Target
    each: bool = False
    most: int = MOST_LINES
    left_out: int = 0
    _entries: list[TimelineEntry] = field(default_factory=list)
    _summaries: dict[tuple[Any, ...], _Summary] = field(default_factory=dict)

    def take(self, service: str, event: Event) -> None:
        found, at = bearing(event, self.target), read_moment(event["time"])
        if found is None or at is None:
            return
        if (found == "messages" or _is_look(event)) and not self.each:
            self._sum_up(service, event, at)
        elif len(self._entries) < self.most:
            self._entries.append(TimelineEntry(at, service, event["event"], _details(event)))
        else:
            self.left_out += 1

    def entries(self) -> list[TimelineEntry]:
        return self._entries + [summary.entry(key) for key, summary in self._summaries.items()]

    def _sum_up(self, service: str, event: Event, at: datetime) -> None:
        sorts = (event.get(name) for name in _SORTS)
        key = (service, event["event"], *(value if isinstance(value, str | None) else str(value) for value in sorts))
        if key not in self._summaries and len(self._summaries) >= self.most:
            self.left_out += 1
            return
        summary = self._summaries.setdefault(key, _Summary(at, at))
        summary.first, summary.last = min(summary.first, at), max(summary.last, at)
        summary.lines += 1
        summary.messages += _count(event)


def in_order(entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """Puts entries in the order of time; those of one moment stay as they come."""
    return sorted(entries, key=lambda entry: entry.at)


def read_moment(text: object) -> datetime | None:
    """Reads the time of a line; None for what is no moment."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_look(event: Event) -> bool:
    return event["event"] == "request answered" and event.get("method") in _LOOKS


def _details(event: Event) -> dict[str, Any]:
    """What an entry tells of a line: all of it, but of long lists how much is in them."""
    told = {key: value for key, value in event.items() if key not in _ELSEWHERE and value is not None}
    if told.get("level") == "info":
        del told["level"]
    for key, name in _LISTS.items():
        if key in told:
            told[name] = len(told.pop(key))
    return told


def _count(event: Event) -> int:
    """Counts the messages of a line."""
    if all(event.get(key) is None for key in ABOUT_MESSAGES):
        return 0
    if isinstance(event.get("message_ids"), list):
        return len(event["message_ids"])
    messages = event.get("messages")
    return messages if isinstance(messages, int) else 1
