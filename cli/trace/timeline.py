"""Collects log lines about a target and orders them with its history. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cli.trace.log_lines import Event
from cli.trace.target import ABOUT_MESSAGES, Target, relation_of

# The maximum number of log lines that are kept; the rest is counted.
MAX_LINES = 50_000
# Fields that are not details of an entry, because the entry holds them itself.
_NOT_DETAILS = frozenset({"time", "event", "service"})
_LISTS = {"message_ids": "messages", "client_ids": "clients"}
# Lines of an event are summarised by these fields.
_GROUPED_BY = ("level", "method", "path", "verdict", "outcome", "status", "reason")
# Methods of read-only requests. The console makes one a second while it shows a mailing.
_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event of the timeline. `service` is the process that logged it, or `tables` for an entry from the database."""

    at: datetime
    service: str
    what: str
    details: dict[str, Any]


@dataclass(slots=True)
class _Summary:
    """Similar lines as one entry: those of single messages of a mailing, or of read-only requests."""

    first: datetime
    last: datetime
    lines: int = 0
    messages: int = 0

    def entry(self, key: tuple[Any, ...]) -> TimelineEntry:
        service, what, *groups = key
        details = {name: value for name, value in zip(_GROUPED_BY, groups, strict=True) if value is not None}
        if details.get("level") == "info":
            del details["level"]
        if self.lines > 1:
            details |= {"lines": self.lines, "until": self.last}
        if self.messages:
            details["messages"] = self.messages
        return TimelineEntry(self.first, service, what, details)


@dataclass(slots=True)
class Collector:
    """Collects the log lines about a target in bounded memory.

    Lines about single messages of a mailing and about read-only requests are summarised, unless `each` is true.
    """

    target: Target
    each: bool = False
    max_lines: int = MAX_LINES
    left_out: int = 0
    _entries: list[TimelineEntry] = field(default_factory=list)
    _summaries: dict[tuple[Any, ...], _Summary] = field(default_factory=dict)

    def add(self, service: str, event: Event) -> None:
        relation, at = relation_of(event, self.target), parse_moment(event["time"])
        if relation is None or at is None:
            return
        if (relation == "messages" or _is_read_only(event)) and not self.each:
            self._summarise(service, event, at)
        elif len(self._entries) < self.max_lines:
            self._entries.append(TimelineEntry(at, service, event["event"], _details(event)))
        else:
            self.left_out += 1

    def entries(self) -> list[TimelineEntry]:
        return self._entries + [summary.entry(key) for key, summary in self._summaries.items()]

    def _summarise(self, service: str, event: Event, at: datetime) -> None:
        groups = (event.get(name) for name in _GROUPED_BY)
        key = (service, event["event"], *(value if isinstance(value, str | None) else str(value) for value in groups))
        if key not in self._summaries and len(self._summaries) >= self.max_lines:
            self.left_out += 1
            return
        summary = self._summaries.setdefault(key, _Summary(at, at))
        summary.first, summary.last = min(summary.first, at), max(summary.last, at)
        summary.lines += 1
        summary.messages += _count(event)


def in_order(entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """Sorts entries by time; entries of the same moment keep their order."""
    return sorted(entries, key=lambda entry: entry.at)


def parse_moment(text: object) -> datetime | None:
    """Parses the time of a line. Returns None if it is invalid."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_read_only(event: Event) -> bool:
    return event["event"] == "request answered" and event.get("method") in _READ_METHODS


def _details(event: Event) -> dict[str, Any]:
    """Returns the fields of a line as details; long lists of ids are replaced by their length."""
    details = {key: value for key, value in event.items() if key not in _NOT_DETAILS and value is not None}
    if details.get("level") == "info":
        del details["level"]
    for key, name in _LISTS.items():
        if key in details:
            details[name] = len(details.pop(key))
    return details


def _count(event: Event) -> int:
    """Returns how many messages a line is about."""
    if all(event.get(key) is None for key in ABOUT_MESSAGES):
        return 0
    if isinstance(event.get("message_ids"), list):
        return len(event["message_ids"])
    messages = event.get("messages")
    return messages if isinstance(messages, int) else 1
