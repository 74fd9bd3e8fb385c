"""Formats the entries of a timeline as text or as NDJSON, with secrets masked and control characters escaped."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from cli.trace.target import Kind
from cli.trace.timeline import TimelineEntry
from shared.redaction import Redactor, escape, escape_json

# Ids that the title names already.
IDS_IN_TITLE: Mapping[Kind, frozenset[str]] = {
    "mailing": frozenset({"mailing_id", "mailing_ids"}),
    "message": frozenset({"message_id", "mailing_id", "mailing_ids", "client_id"}),
    "client": frozenset({"client_id", "mailing_ids"}),
}
WHAT_WIDTH, SERVICE_WIDTH = 24, 12
_REDACTOR = Redactor()


def format_line(entry: TimelineEntry, kind: Kind) -> str:
    """Formats an entry as its moment, service, event, and details as name=value."""
    details = _REDACTOR.event(_in_order(entry.details))
    shown = (f"{name}={_value(name, value)}" for name, value in details.items() if name not in IDS_IN_TITLE[kind])
    head = f"{entry.at.astimezone(UTC):%F %T}.{entry.at.microsecond // 1000:03}Z"
    line = f"{head}  {entry.service:<{SERVICE_WIDTH}} {entry.what:<{WHAT_WIDTH}} {'  '.join(shown)}"
    return escape(_REDACTOR.text(line)).rstrip()


def format_json(entry: TimelineEntry) -> bytes:
    """Formats an entry as a JSON object with at, service, what and details, on one line."""
    what = {"at": entry.at.astimezone(UTC), "service": entry.service, "what": entry.what}
    details = _REDACTOR.event({key: _plain(value) for key, value in entry.details.items()})
    return escape_json(orjson.dumps(what | {"details": details}, default=str))


def _in_order(details: Mapping[str, Any]) -> dict[str, Any]:
    """Orders details: ids first, then the rest as it came, and the request id last, because it is long."""
    ids = {name: value for name, value in details.items() if name.endswith("_id") and name != "request_id"}
    rest = {name: _plain(value) for name, value in details.items() if name not in ids and name != "request_id"}
    last = {"request_id": details["request_id"]} if "request_id" in details else {}
    return ids | rest | last


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="milliseconds") if isinstance(value, datetime) else value


def _value(name: str, value: object) -> str:
    if name == "exception":
        # The last line names the exception; --json has the whole traceback.
        return _value("", str(value).rpartition("\n")[2])
    if isinstance(value, str):
        return f'"{value}"' if " " in value or not value else value
    return orjson.dumps(value, default=str).decode()
