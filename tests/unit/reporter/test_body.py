"""A result body is read whole, or as much of it as can be read."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporter.body import MOST_SALVAGED, FoldableBody, LeastResult, least_form, read_body
from shared.messages import Result, Results, encode
from tests.support.builders import NOON, a_result, a_retrying_result

FIRST, SECOND = a_result(), a_retrying_result(message_id=2)
GOOD: dict[str, Any] = json.loads(encode(Results(results=[SECOND])))["results"][0]
LEAST = LeastResult(message_id=2, number=1, status="retrying")
LATER = NOON + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (FoldableBody([]), []),
        (FoldableBody([FIRST]), [FoldableBody([FIRST])]),
        (FoldableBody([FIRST, SECOND]), [FoldableBody([FIRST]), FoldableBody([SECOND])]),
        (FoldableBody([], NOON), [FoldableBody([], NOON)]),
        # The fence comes last: it proves that all before it is folded.
        (
            FoldableBody([FIRST, SECOND], LATER),
            [FoldableBody([FIRST]), FoldableBody([SECOND]), FoldableBody([], LATER)],
        ),
    ],
    ids=["nothing", "one", "two", "fence", "two and a fence"],
)
def test_a_body_is_taken_apart_in_its_order(body: FoldableBody, parts: list[FoldableBody]) -> None:
    assert body.split() == parts


def test_a_healthy_body_is_read_whole() -> None:
    assert read_body(encode(Results(results=[FIRST, SECOND], fence=NOON))) == FoldableBody([FIRST, SECOND], NOON)


@pytest.mark.parametrize(
    "damage",
    [
        {"duration_ms": -1},
        {"outcome": "lost"},
        {"outcome": "conquered"},
        {"started_at": "0000-00-00T00:00:00Z"},
        {"started_at": None},
        {"http_status": 10**400},
        {"detail": "\ud800", "outcome": 7},
        {"phone": "79991234567"},
        {"mailing_id": 0},
    ],
    ids=str,
)
def test_a_damaged_result_keeps_its_message_number_and_status(damage: dict[str, Any]) -> None:
    raw = json.dumps({"version": 1, "results": [GOOD, {**GOOD, **damage}], "fence": NOON.isoformat()}).encode()
    body = read_body(raw)
    assert body.results == [SECOND, LEAST]
    # A fence would pass what was not found.
    assert body.fence is None
    assert body.error is not None
    assert "79991234567" not in body.error


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"null", b"7", b"[]", b'{"results": 7}', b'{"results": [7, null, [], {}]}', b"[" * 100_000]
)
def test_of_a_body_without_results_nothing_is_left_but_the_reason(raw: bytes) -> None:
    body = read_body(raw)
    assert (body.results, body.fence) == ([], None)
    assert body.error is not None


def test_a_text_that_is_no_unicode_costs_only_the_text() -> None:
    raw = encode(Results(results=[SECOND])).replace(b'"HTTP 500"', b'"\xff\xfe"')
    (result,) = read_body(raw).results
    assert isinstance(result, Result)
    assert result.detail == "\ufffd\ufffd"


def test_a_body_that_no_process_of_herald_writes_is_searched_for_so_many_results_only() -> None:
    raw = json.dumps({"results": [GOOD] * (MOST_SALVAGED + 1)}).encode()
    assert len(read_body(raw).results) == MOST_SALVAGED


def test_the_least_form_of_a_final_result_has_a_reason() -> None:
    least = least_form(a_result(status="rejected", reason="HTTP 400"))
    assert (least.reason, least.failed) == ("result unreadable", False)
    assert (least_form(a_result()).reason, least_form(a_result(status="exhausted")).failed) == (None, True)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(GOOD)), values, max_size=4), values)
def test_whatever_a_body_holds_is_read_somehow(damage: dict[str, Any], fence: Any) -> None:
    body = read_body(json.dumps({"results": [{**GOOD, **damage}], "fence": fence}).encode())
    assert len(body.results) <= 1


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_read_somehow(raw: bytes) -> None:
    assert read_body(raw).results == []
