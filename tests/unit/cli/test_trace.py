"""Which log lines herald trace selects, and how it summarises and formats them."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from cli.trace.formatting import format_json, format_line
from cli.trace.log_lines import LONGEST_LINE, Source
from cli.trace.target import Relation, Target, relation_of, search_pattern
from cli.trace.timeline import Collector, TimelineEntry, in_order

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
# Message 5 of mailing 7 to client 3, created by "req-1"; a client with two messages; a mailing.
MESSAGE = Target("message", 5, frozenset({7}), frozenset({5}), frozenset({3}), frozenset({"req-1"}))
CLIENT = Target("client", 3, frozenset({7, 8}), frozenset({5, 6}), frozenset({3}))
MAILING = Target("mailing", 7, frozenset({7}), request_ids=frozenset({"req-1"}))


def a_line(event: str = "attempt ended", second: float = 0, **fields: Any) -> bytes:
    time = (NOON + timedelta(seconds=second)).isoformat()
    return orjson.dumps({"event": event, "time": time, "level": "info", "service": "dispatcher", **fields})


def read(*lines: bytes, name: str = "dispatcher", wanted: Target | None = None) -> list[tuple[str, dict[str, Any]]]:
    source = Source(io.BytesIO(b"\n".join(lines)), name)
    return list(source.events(search_pattern(wanted) if wanted else None))


def collected(target: Target, *lines: bytes, **options: Any) -> tuple[list[TimelineEntry], int]:
    collector = Collector(target, **options)
    for service, event in read(*lines, wanted=target):
        collector.add(service, event)
    return in_order(collector.entries()), collector.left_out


@pytest.mark.parametrize(
    ("fields", "of_message", "of_client", "of_mailing"),
    [
        # A line about the message itself, alone or among others.
        ({"message_id": 5, "mailing_id": 7, "client_id": 3}, "whole", "whole", "messages"),
        ({"message_ids": [4, 5], "mailing_id": 7}, "whole", "whole", "messages"),
        ({"message_ids": [4, 5], "mailing_ids": [7, 8]}, "whole", "whole", "messages"),
        ({"first_message_id": 1, "last_message_id": 9, "mailing_id": 7}, "whole", "whole", "messages"),
        # About another message: only related to the mailing.
        ({"message_id": 55, "mailing_id": 7}, None, None, "messages"),
        ({"message_ids": [55, 15], "mailing_id": 7}, None, None, "messages"),
        ({"first_message_id": 1, "last_message_id": 4, "mailing_id": 7}, None, None, "messages"),
        # The same range of another mailing holds no message of this one.
        ({"first_message_id": 1, "last_message_id": 9, "mailing_id": 70}, None, None, None),
        # About the mailing or the client as a whole.
        ({"mailing_id": 7}, "whole", None, "whole"),
        ({"mailing_ids": [6, 7]}, "whole", None, "whole"),
        ({"client_id": 3}, "whole", "whole", None),
        ({"client_ids": [2, 3]}, "whole", "whole", None),
        ({"message_id": 6, "client_id": 3, "mailing_id": 8}, None, "whole", None),
        # Related only by the request.
        ({"request_id": "req-1"}, "whole", None, "whole"),
        ({"request_id": "req-2"}, None, None, None),
        ({}, None, None, None),
        ({"message_id": "5", "mailing_ids": 7, "message_ids": "5", "client_ids": [None, [3]]}, None, None, None),
    ],
)
def test_a_line_is_about_what_it_names(
    fields: dict[str, Any], of_message: Relation | None, of_client: Relation | None, of_mailing: Relation | None
) -> None:
    found = tuple(relation_of(fields, target) for target in (MESSAGE, CLIENT, MAILING))
    assert found == (of_message, of_client, of_mailing)
    for target, relation in zip((MESSAGE, CLIENT, MAILING), found, strict=True):
        pattern = search_pattern(target)
        assert pattern is not None
        # The pattern matches every line that relates to the target.
        assert relation is None or pattern.search(a_line(**fields))


def test_a_client_of_very_many_messages_is_found_by_reading_every_line() -> None:
    assert search_pattern(Target("client", 3, frozenset(), frozenset(range(1000)), frozenset({3}))) is None


LINE = a_line(message_id=5)


@pytest.mark.parametrize(
    "raw",
    [
        LINE,
        b"dispatcher-1  | " + LINE,
        b"\x1b[36mdispatcher-1  |\x1b[0m " + LINE,
        b"herald-dispatcher-1  | " + LINE,
        b"2026-05-04T12:00:00.123456789Z " + LINE,
        orjson.dumps({"log": LINE.decode() + "\n", "stream": "stdout", "time": "2026-05-04T12:00:00Z"}),
    ],
    ids=["plain", "compose", "compose in colour", "compose with project", "timestamps", "docker's file"],
)
def test_a_line_is_read_whatever_stands_around_it(raw: bytes) -> None:
    [(service, event)] = read(b"not JSON, about message 5", raw, b"", b"{broken 5", wanted=MESSAGE)
    assert event["message_id"] == 5
    assert service.startswith(("dispatcher", "herald-dispatcher"))


@pytest.mark.parametrize(
    ("name", "before", "service"),
    [
        # The file name or the container names one of several processes.
        ("dispatcher-2", b"", "dispatcher-2"),
        ("standard input", b"dispatcher-3  | ", "dispatcher-3"),
        ("standard input", b"", "dispatcher"),
        ("all", b"rabbitmq-1  | ", "dispatcher"),
    ],
)
def test_the_process_is_named_as_exactly_as_it_can_be(name: str, before: bytes, service: str) -> None:
    assert read(before + LINE, name=name)[0][0] == service


@pytest.mark.parametrize(
    "raw", [b"[1]", b"5", b'{"event": 5, "time": "x"}', b'{"event": "x"}', b'{"log": "{}", "stream": "stdout"}']
)
def test_json_that_is_no_log_line_is_passed_over(raw: bytes) -> None:
    assert read(raw, LINE) == [("dispatcher", orjson.loads(LINE))]


def test_a_line_too_long_is_passed_over_and_not_kept() -> None:
    assert len(read(b"x" * (3 * LONGEST_LINE) + LINE, LINE)) == 1


def test_a_line_without_a_readable_time_has_no_place() -> None:
    assert collected(MESSAGE, b'{"event": "x", "time": "noon", "message_id": 5}') == ([], 0)


def test_the_lines_of_several_files_are_in_the_order_of_time() -> None:
    entries, _ = collected(
        MESSAGE, a_line("b", 2, message_id=5), a_line("a", 1, message_ids=[5, 6]), a_line("c", 3, mailing_id=7)
    )
    assert [entry.what for entry in entries] == ["a", "b", "c"]
    # A long list is replaced by its length.
    assert entries[0].details == {"messages": 2}


def test_lines_of_single_messages_of_a_mailing_are_summarised() -> None:
    lines = [
        a_line("mailing started", 0, mailing_id=7),
        *(a_line(second=1 + n, mailing_id=7, message_id=n, outcome="accepted") for n in range(1, 100)),
        a_line(second=50, mailing_id=7, message_id=200, outcome="refused"),
        a_line("messages released", 1, mailing_id=7, message_ids=list(range(300))),
    ]
    entries, _ = collected(MAILING, *lines)
    summary = [(entry.what, entry.details.get("outcome"), entry.details.get("messages")) for entry in entries]
    assert summary == [
        ("mailing started", None, None),
        ("messages released", None, 300),
        ("attempt ended", "accepted", 99),
        ("attempt ended", "refused", 1),
    ]
    assert entries[2].details["until"] == NOON + timedelta(seconds=100)
    each, _ = collected(MAILING, *lines, each=True)
    assert len(each) == len(lines)


def test_read_only_requests_are_summarised() -> None:
    asked = {"path": "/api/v1/mailings/{mailing_id}", "mailing_id": 7}
    lines = [a_line("request answered", n, method="GET", status=200, **asked) for n in range(100)]
    lines.append(a_line("request answered", 50, method="PATCH", status=200, **asked))
    for target in (MESSAGE, MAILING):
        reads, edit = collected(target, *lines)[0]
        assert (reads.details["method"], reads.details["lines"]) == ("GET", 100)
        assert "messages" not in reads.details
        assert edit.details["method"] == "PATCH"


def test_what_is_kept_is_bounded_and_the_rest_is_counted() -> None:
    lines = [a_line(f"event {n}", message_id=5) for n in range(10)]
    entries, left_out = collected(MESSAGE, *lines, max_lines=4)
    assert (len(entries), left_out) == (4, 6)


def test_an_entry_is_a_line_without_the_ids_of_the_title() -> None:
    details = {
        "outcome": "server_error",
        "detail": "HTTP 500: failed\n\x1b[31mred \u202e79991234567",
        "message_id": 5,
        "attempt": 2,
        "request_id": "req-1",
        "due_at": NOON,
        "exception": "frames\nValueError: wrong",
        "moved": {"sent": 1},
    }
    assert format_line(TimelineEntry(NOON, "dispatcher", "attempt ended", details), "message") == (
        "2026-05-04 12:00:00.000Z  dispatcher   attempt ended            outcome=server_error"
        '  detail="HTTP 500: failed\\n\\x1b[31mred \\u202e7999***4567"  attempt=2  due_at=2026-05-04T12:00:00.000+00:00'
        '  exception="ValueError: wrong"  moved={"sent":1}  request_id=req-1'
    )


def test_an_entry_is_one_json_object_with_everything() -> None:
    entry = TimelineEntry(NOON, "api", "client changed", {"client_id": 3, "detail": "79991234567\x9b", "at": NOON})
    line = format_json(entry)
    assert b"\xc2\x9b" not in line
    assert json.loads(line) == {
        "at": "2026-05-04T12:00:00+00:00",
        "service": "api",
        "what": "client changed",
        "details": {"client_id": 3, "detail": "7999***4567\x9b", "at": "2026-05-04T12:00:00.000+00:00"},
    }
