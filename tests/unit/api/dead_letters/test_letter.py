"""A dead letter, read from whatever is in a dead queue."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.dead_letters.letter import KINDS, read
from shared.messages import MailingEvent, Results, encode
from tests.support.builders import a_job, a_result

BURIED = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
JOB = encode(a_job(message_id=5, mailing_id=7))
RESULTS = encode(Results(results=[a_result(message_id=5), a_result(message_id=6)]))
EVENT = encode(
    MailingEvent(event_id=UUID("5bd0dc8b-4a3a-4d5b-9b0c-0b9d6c0a3f11"), event="mailing.created", mailing_id=9)
)


def death(reason: str) -> dict[str, Any]:
    return {"x-death": [{"reason": reason, "queue": "q", "count": 1, "time": BURIED}]}


@pytest.mark.parametrize(
    ("queue", "body", "headers", "reason", "ids", "at"),
    [
        # Buried by ourselves, with a reason and a moment.
        ("dispatcher.dead", JOB, {"reason": "exhausted: HTTP 500", "at": BURIED.isoformat()}, "exhausted: HTTP 500",
         (7, 5), BURIED),
        # Buried by the broker.
        ("dispatcher.dead", JOB, death("delivery_limit"), "delivered too often without being acknowledged", (7, 5),
         BURIED),
        ("dispatcher.dead", b"{", death("rejected"), "unreadable: Job: body: Invalid JSON: it ends too early",
         (None, None), BURIED),
        ("reporter.dead", RESULTS, death("rejected"), "refused: see the consumer's log", (7, None), BURIED),
        ("planner.dead", EVENT, {}, "unknown", (9, None), None),
        # Whatever somebody put there by hand.
        ("planner.dead", b"\xff", {"reason": 5, "at": "noon", "x-death": "no"}, None, (None, None), None),
    ],
)  # fmt: skip
def test_a_letter_has_a_reason(
    queue: str, body: bytes, headers: dict[str, Any], reason: str | None, ids: tuple[int, int], at: datetime | None
) -> None:
    letter = read(queue, body, headers)
    assert letter.reason.startswith("unreadable") if reason is None else letter.reason == reason
    assert (letter.mailing_id, letter.message_id) == ids
    assert letter.at == at


def test_the_id_stays_the_same_and_differs_between_letters() -> None:
    letter = read("dispatcher.dead", JOB, death("rejected"))
    assert read("dispatcher.dead", JOB, death("rejected")).id == letter.id
    assert len(letter.id) == 16
    others = [
        read("dispatcher.dead", JOB, {}),
        read("reporter.dead", JOB, death("rejected")),
        read("dispatcher.dead", encode(a_job(attempt=2)), death("rejected")),
    ]
    assert letter.id not in {other.id for other in others}


_HEADERS = st.dictionaries(
    st.sampled_from(["reason", "at", "x-death"]),
    st.recursive(
        st.none() | st.integers() | st.text() | st.datetimes(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["reason", "time", "x"]), inner),
    ),
)


@given(st.sampled_from(sorted(KINDS)), st.binary(), _HEADERS)
def test_nothing_in_a_dead_queue_upsets_the_reader(queue: str, body: bytes, headers: dict[str, Any]) -> None:
    letter = read(queue, body, headers)
    assert letter.reason
    assert letter.at is None or letter.at.tzinfo is UTC
