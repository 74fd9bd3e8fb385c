"""AMQP bodies are decoded as they were encoded, and everything else is unreadable."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from shared.messages import MAX_RESULTS, Body, Job, MailingEvent, MailingEventName, Results, Unreadable, decode, encode
from shared.statuses import ResultStatus
from tests.support.builders import NOON, a_job, a_result, a_retrying_result

EVENT = MailingEvent(
    event_id=UUID("01234567-89ab-4def-8123-456789abcdef"), event="mailing.paused", mailing_id=7, request_id="req-1"
)
JOB: dict[str, Any] = json.loads(encode(a_job()))
EVENT_BODY: dict[str, Any] = json.loads(encode(EVENT))
RESULT: dict[str, Any] = json.loads(encode(a_retrying_result()))


@pytest.mark.parametrize(
    "body",
    [
        EVENT,
        structs.replace(EVENT, request_id=None),
        a_job(),
        a_job(message_id=2**63 - 1, attempt=2**31 - 1),
        Results(results=[a_result(), a_retrying_result(message_id=2, request_id="req-1")]),
        Results(results=[a_result(started_at=datetime(2026, 5, 4, 15, 0, tzinfo=timezone(timedelta(hours=3))))]),
        Results(fence=NOON),
        Results(results=[a_result()] * MAX_RESULTS, fence=NOON),
        Results(),
    ],
    ids=["event", "anonymous event", "job", "highest ids", "results", "other zone", "fence", "full", "empty"],
)
def test_a_body_is_read_as_it_was_written(body: Body) -> None:
    assert decode(type(body), encode(body)) == body


identifiers = st.integers(1, 2**63 - 1)
numbers = st.integers(1, 2**31 - 1)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(identifiers, identifiers, identifiers, numbers)
def test_every_job_is_read_as_it_was_written(message_id: int, mailing_id: int, client_id: int, attempt: int) -> None:
    job = Job(message_id=message_id, mailing_id=mailing_id, client_id=client_id, attempt=attempt)
    assert decode(Job, encode(job)) == job


@settings(deadline=None)
@given(
    identifiers,
    numbers,
    st.sampled_from(get_args(ResultStatus)),
    moments,
    st.none() | moments,
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.booleans(),
    st.booleans(),
)
def test_every_result_is_read_as_it_was_written(
    message_id: int,
    number: int,
    status: ResultStatus,
    started_at: datetime,
    due_at: datetime | None,
    detail: str | None,
    failed: bool,
    queued: bool,
) -> None:
    result = a_result(
        message_id=message_id,
        number=number,
        status=status,
        started_at=started_at,
        due_at=due_at,
        detail=detail,
        failed=failed,
        queued=queued,
    )
    body = Results(results=[result])
    assert decode(Results, encode(body)) == body


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (a_job(), '{"version":1,"message_id":1,"mailing_id":7,"client_id":3,"attempt":1}'),
        (
            EVENT,
            '{"version":1,"event_id":"01234567-89ab-4def-8123-456789abcdef","event":"mailing.paused","mailing_id":7,'
            '"request_id":"req-1"}',
        ),
        (Results(), '{"version":1,"results":[]}'),
        (Results(fence=NOON), '{"version":1,"results":[],"fence":"2026-05-04T12:00:00Z"}'),
        (
            Results(results=[a_result()]),
            '{"version":1,"results":[{"message_id":1,"mailing_id":7,"client_id":3,"number":1,"status":"sent",'
            '"outcome":"accepted","started_at":"2026-05-04T12:00:00Z","duration_ms":40,"http_status":200,"failed":false,'
            '"queued":false}]}',
        ),
        (
            Results(results=[a_retrying_result(started_at=NOON + timedelta(microseconds=1500))]),
            '{"version":1,"results":[{"message_id":1,"mailing_id":7,"client_id":3,"number":1,"status":"retrying",'
            '"outcome":"server_error","started_at":"2026-05-04T12:00:00.001500Z","duration_ms":40,"http_status":500,'
            '"detail":"HTTP 500","failed":true,"queued":true,"due_at":"2026-05-04T12:00:05Z"}]}',
        ),
    ],
    ids=["job", "event", "empty", "fence", "success", "retry"],
)
def test_processes_of_one_version_read_what_those_of_another_write(body: Body, written: str) -> None:
    """Old and new processes run side by side during an upgrade, and bodies outlive it on the broker."""
    assert encode(body).decode() == written
    assert decode(type(body), written.encode()) == body


@pytest.mark.parametrize("body", [a_job(), EVENT, Results(fence=NOON)], ids=lambda body: type(body).__name__)
def test_the_version_comes_first(body: Body) -> None:
    assert encode(body).startswith(b'{"version":1,')


@pytest.mark.parametrize("name", get_args(MailingEventName))
def test_every_event_is_readable(name: str) -> None:
    assert decode(MailingEvent, json.dumps({**EVENT_BODY, "event": name}).encode()).event == name


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (Job, b"", "Job: body: Invalid JSON"),
        (Job, b"secret", "Job: body: Invalid JSON"),
        (Job, b"\xff\xfesecret", "Job: body: Invalid JSON"),
        (Job, b'{"message_id": 1, "secr', "Job: body: Invalid JSON"),
        (Job, b"[" * 100_000, "Job: body: Input should be an object"),
        (Job, b"null", "Job: body: Input should be an object"),
        (Job, b'["secret"]', "Job: body: Input should be an object"),
        (Job, b'"secret"', "Job: body: Input should be an object"),
        (Job, b"{}", "Job: message_id: Field required"),
        (Results, b'{"results": {}}', "Results: results: Input should be a valid array"),
        (Results, b'{"results": ["secret"]}', "Results: results.0: Input should be an object"),
    ],
)
def test_what_is_no_such_object_is_unreadable(kind: type[Body], body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        decode(kind, body)
    assert str(refusal.value).startswith(reason)
    assert "secr" not in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "usual", "field", "value"),
    [
        # A number is a number, and no text, truth or fraction passes for one.
        (Job, JOB, "message_id", "7654321"),
        (Job, JOB, "message_id", True),
        (Job, JOB, "message_id", 7654321.0),
        (Job, JOB, "message_id", None),
        (Job, JOB, "message_id", [7654321]),
        # Out of the range of the tables.
        (Job, JOB, "message_id", 0),
        (Job, JOB, "message_id", -7654321),
        (Job, JOB, "message_id", 2**63),
        (Job, JOB, "message_id", 10**400),
        (Job, JOB, "attempt", 0),
        (Job, JOB, "attempt", 2**31),
        # Of a later Herald, or of no Herald.
        (Job, JOB, "version", 2),
        (Job, JOB, "version", "1"),
        (MailingEvent, EVENT_BODY, "event", "mailing.secret"),
        (MailingEvent, EVENT_BODY, "event_id", "secret-7654321"),
        (MailingEvent, EVENT_BODY, "event_id", 7654321),
        (MailingEvent, EVENT_BODY, "mailing_id", "7654321"),
        (MailingEvent, EVENT_BODY, "request_id", 7654321),
        (Results, RESULT, "status", "pending"),
        (Results, RESULT, "status", "cancelled"),
        (Results, RESULT, "started_at", 1765432100),
        (Results, RESULT, "started_at", "2026-05-04T12:00:00"),
        (Results, RESULT, "started_at", "secret"),
        (Results, RESULT, "duration_ms", -7654321),
        (Results, RESULT, "duration_ms", 2**31),
        (Results, RESULT, "failed", 1),
        (Results, RESULT, "failed", "secret"),
        (Results, RESULT, "queued", None),
        (Results, RESULT, "due_at", "2026-05-04T12:00:05"),
        (Results, RESULT, "http_status", "200"),
        (Results, RESULT, "http_status", 7654321),
        (Results, RESULT, "outcome", ""),
        # Known to the statistics, and of no result.
        (Results, RESULT, "outcome", "lost"),
        (Results, RESULT, "outcome", "secret" * 100),
        (Results, RESULT, "detail", "secret" * 1000),
        (Results, RESULT, "reason", "secret" * 1000),
    ],
)
def test_a_wrong_value_is_unreadable_and_its_place_is_named(
    kind: type[Body], usual: dict[str, Any], field: str, value: object
) -> None:
    body = {**usual, field: value}
    with pytest.raises(Unreadable) as refusal:
        decode(kind, json.dumps({"results": [body]} if kind is Results else body).encode())
    place = f"results.0.{field}" if kind is Results else field
    assert str(refusal.value).startswith(f"{kind.__name__}: {place}: ")
    assert "7654321" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("field", ["message_id", "mailing_id", "client_id", "attempt"])
def test_a_missing_value_is_unreadable(field: str) -> None:
    body = {key: value for key, value in JOB.items() if key != field}
    with pytest.raises(Unreadable, match=f"^Job: {field}: Field required$"):
        decode(Job, json.dumps(body).encode())


@pytest.mark.parametrize("fence", ["2026-05-04T12:00:00", 1765432100, "noon"])
def test_a_fence_is_a_moment_with_its_offset(fence: object) -> None:
    with pytest.raises(Unreadable, match=r"^Results: fence: "):
        decode(Results, json.dumps({"fence": fence}).encode())


@pytest.mark.parametrize("field", ["phone", "79997654321", "s" * 100_000], ids=["phone", "digits", "long"])
def test_an_unknown_field_is_refused_and_not_quoted(field: str) -> None:
    # The reason goes into logs and headers, so neither a phone nor a megabyte may stand in it.
    for kind, body in (
        (Job, {**JOB, field: "79997654321"}),
        (Results, {"results": [{**RESULT, field: "79997654321"}]}),
    ):
        with pytest.raises(Unreadable, match="Extra inputs are not permitted") as refusal:
            decode(kind, json.dumps(body).encode())
        assert [quoted for quoted in (field, "79997654321") if quoted in str(refusal.value)] == []


@given(st.binary(max_size=200))
def test_bytes_are_read_or_unreadable_and_nothing_else(body: bytes) -> None:
    for kind in (Job, MailingEvent):
        with pytest.raises(Unreadable):
            decode(kind, body)


# What may come in the place of any value.
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from([(Job, JOB), (MailingEvent, EVENT_BODY), (Results, {"results": [RESULT]})]), st.data())
def test_whatever_stands_in_a_body_is_read_or_unreadable(kind_and_body: tuple[Any, dict[str, Any]], data: Any) -> None:
    kind, usual = kind_and_body
    body = json.loads(json.dumps(usual))
    place = body["results"][0] if kind is Results and data.draw(st.booleans()) else body
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)
    refusal = refusal_of(kind, json.dumps(body).encode())
    assert refusal is None or re.fullmatch(r"(Job|MailingEvent|Results): [a-z0-9_.]+: [A-Z][A-Za-z0-9: -]+", refusal)


def refusal_of(kind: type[Body], body: bytes) -> str | None:
    """Returns why a body is unreadable, None if it is read. No other exception is acceptable."""
    try:
        decode(kind, body)
    except Unreadable as error:
        return str(error)
    return None


def test_a_body_holds_at_most_200_results() -> None:
    assert MAX_RESULTS == 200
    full = json.dumps({"results": [RESULT] * 200}).encode()
    assert len(decode(Results, full).results) == 200
    with pytest.raises(Unreadable, match="at most 200 items"):
        decode(Results, json.dumps({"results": [RESULT] * 201}).encode())


def test_a_body_does_not_change() -> None:
    job = a_job()
    with pytest.raises(AttributeError, match="immutable"):
        job.attempt = 2  # type: ignore[misc]
