"""Replies of the provider are classified by status and code."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.provider_api.replies import (
    LONGEST_REASON,
    LONGEST_RETRY_AFTER,
    Classification,
    Reply,
    ReplyKind,
    classify,
)
from tests.support.builders import a_reply

OK = b'{"code": 0, "message": "OK"}'
HTML = b"<html><body>Bad gateway</body></html>"
SENT_AT = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("body", "classification"),
    [
        (OK, Classification("accepted", "accepted", "accepted")),
        (b'{"code": 0}', Classification("accepted", "accepted", "accepted")),
        (b' {"code":0,"message":null,"more":[1]} \n', Classification("accepted", "accepted", "accepted")),
        # An error code. It is an int32 by the contract, and read whatever its size.
        (b'{"code": 1}', Classification("temporary", "error_code", "code 1")),
        (b'{"code": -1}', Classification("temporary", "error_code", "code -1")),
        (b'{"code": 2147483648}', Classification("temporary", "error_code", "code 2147483648")),
        # What looks like 0 is not the integer 0: the type is checked, and no truth, fraction or text passes.
        (b'{"code": false}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": true}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": 0.0}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": 0e0}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": "0"}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": null}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": [0]}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": {"code": 0}}', Classification("temporary", "unreadable", "reply has no code")),
        # No number of JSON's that fits 64 bits.
        (b'{"code": 1' + b"0" * 30 + b"}", Classification("temporary", "unreadable", "reply has no code")),
        # Missing, misspelt, or elsewhere.
        (b"{}", Classification("temporary", "unreadable", "reply has no code")),
        (b'{"message": "OK"}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"Code": 0}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"result": {"code": 0}}', Classification("temporary", "unreadable", "reply has no code")),
        (b'[{"code": 0}]', Classification("temporary", "unreadable", "reply has no code")),
        (b"0", Classification("temporary", "unreadable", "reply has no code")),
        (b"null", Classification("temporary", "unreadable", "reply has no code")),
        (b'"code: 0"', Classification("temporary", "unreadable", "reply has no code")),
        # No JSON at all.
        (b"", Classification("temporary", "unreadable", "reply is not JSON")),
        (HTML, Classification("temporary", "unreadable", "reply is not JSON")),
        (b'{"code": 0', Classification("temporary", "unreadable", "reply is not JSON")),
        (OK + OK, Classification("temporary", "unreadable", "reply is not JSON")),
        (b"{'code': 0}", Classification("temporary", "unreadable", "reply is not JSON")),
        (b'{"code": NaN}', Classification("temporary", "unreadable", "reply is not JSON")),
        (b'{"code": 0, "message": "\xff"}', Classification("temporary", "unreadable", "reply is not JSON")),
        (b"[" * 65_536, Classification("temporary", "unreadable", "reply is not JSON")),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else value.reason,
)
def test_a_200_is_read_for_its_code(body: bytes, classification: Classification) -> None:
    assert classify(a_reply(body)) == classification


@pytest.mark.parametrize(
    ("status", "verdict", "outcome"),
    [
        # Success has one number only; what else looks like it is asked again.
        (201, "temporary", "unreadable"),
        (202, "temporary", "unreadable"),
        (204, "temporary", "unreadable"),
        (206, "temporary", "unreadable"),
        # A redirection is not followed.
        (301, "temporary", "redirected"),
        (302, "temporary", "redirected"),
        (304, "temporary", "redirected"),
        (307, "temporary", "redirected"),
        (308, "temporary", "redirected"),
        # Refused for good.
        (400, "permanent", "refused"),
        (406, "permanent", "refused"),
        (410, "permanent", "refused"),
        (411, "permanent", "refused"),
        (413, "permanent", "refused"),
        (415, "permanent", "refused"),
        (418, "permanent", "refused"),
        (422, "permanent", "refused"),
        (451, "permanent", "refused"),
        (499, "permanent", "refused"),
        # Ours to repair: no message is at fault.
        (401, "misconfigured", "unauthorized"),
        (403, "misconfigured", "unauthorized"),
        # Refused for now.
        (402, "temporary", "refused"),
        (404, "temporary", "not_found"),
        (405, "temporary", "not_found"),
        (407, "temporary", "refused"),
        (408, "temporary", "timeout"),
        (409, "temporary", "refused"),
        (421, "temporary", "refused"),
        (423, "temporary", "refused"),
        (425, "temporary", "refused"),
        (429, "temporary", "too_many"),
        (500, "temporary", "server_error"),
        (501, "temporary", "server_error"),
        (502, "temporary", "server_error"),
        (503, "temporary", "server_error"),
        (504, "temporary", "server_error"),
        (511, "temporary", "server_error"),
        (599, "temporary", "server_error"),
        # No status of HTTP's.
        (102, "temporary", "unreadable"),
        (600, "temporary", "unreadable"),
        (999, "temporary", "unreadable"),
    ],
)
@pytest.mark.parametrize("body", [b"", OK, HTML], ids=["empty", "code 0", "html"])
def test_any_other_status_means_the_same_whatever_the_body(
    status: int, verdict: str, outcome: str, body: bytes
) -> None:
    classification = classify(a_reply(body, status))
    named = (classification.verdict, classification.outcome, classification.reason)
    assert named == (verdict, outcome, f"HTTP {status}")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("timeout", "no reply in time"),
        ("unreachable", "provider unreachable"),
        ("broken", "connection broken"),
    ],
)
def test_no_answer_is_temporary(kind: ReplyKind, reason: str) -> None:
    assert classify(Reply(kind, detail="ClientOSError")) == Classification("temporary", kind, reason)


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        # Seconds.
        ("0", timedelta(0)),
        ("7", timedelta(seconds=7)),
        (" 120 ", timedelta(minutes=2)),
        ("007", timedelta(seconds=7)),
        ("86400", timedelta(days=1)),
        # Absurdly long is long.
        ("31536001", LONGEST_RETRY_AFTER),
        ("999999999", LONGEST_RETRY_AFTER),
        ("9999999999", LONGEST_RETRY_AFTER),
        # Dates, in the three forms of HTTP, measured against the reply's own Date.
        ("Sun, 06 Nov 1994 08:49:44 GMT", timedelta(seconds=7)),
        ("Sunday, 06-Nov-94 08:49:44 GMT", timedelta(seconds=7)),
        ("Sun Nov  6 08:49:44 1994", timedelta(seconds=7)),
        ("Sun, 06 Nov 1994 11:49:44 +0300", timedelta(seconds=7)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", timedelta(0)),
        # Past is now; far is long.
        ("Sun, 06 Nov 1994 08:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER),
        # Garbage is as if it were not there.
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("+7", None),
        ("1.5", None),
        ("1e3", None),
        ("0x10", None),
        ("\u0667", None),
        ("7 seconds", None),
        ("7, 8", None),
        ("Sun, 99 Nov 1994 08:49:44 GMT", None),
        ("Sun, 06 Nov 99999 08:49:44 GMT", None),
        ("Sun, 06 Nov 1994 08:49:44 +99999999999999", None),
        ("1994-11-06T08:49:44Z", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_seconds_or_a_date(status: int, retry_after: str | None, delay: timedelta | None) -> None:
    assert classify(a_reply(b"", status, retry_after=retry_after, date=SENT_AT)).retry_after == delay


@pytest.mark.parametrize("date", [None, "", "today", "Sun, 99 Nov 1994 08:49:37 GMT"])
def test_a_retry_after_date_needs_a_date_to_be_measured_against(date: str | None) -> None:
    # Our clock may differ from the provider's by more than the delay, so it is not asked.
    assert classify(a_reply(b"", 503, retry_after="Sun, 06 Nov 1994 08:49:44 GMT", date=date)).retry_after is None
    assert classify(a_reply(b"", 503, retry_after="7", date=date)).retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_retry_after_counts_only_where_a_retry_follows(status: int) -> None:
    assert classify(a_reply(b"", status, retry_after="7", date=SENT_AT)).retry_after is None


@given(
    st.integers(100, 999), st.binary(max_size=80), st.none() | st.text(max_size=40), st.none() | st.text(max_size=40)
)
def test_every_answer_means_something(status: int, body: bytes, retry_after: str | None, date: str | None) -> None:
    classification = classify(a_reply(body, status, retry_after=retry_after, date=date))
    assert classification.verdict != "accepted" or status == 200
    assert classification.retry_after is None or timedelta(0) <= classification.retry_after <= LONGEST_RETRY_AFTER
    assert len(classification.reason) <= LONGEST_REASON


@given(
    st.one_of(
        st.integers().filter(bool),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.booleans(),
        st.none(),
        st.lists(st.just(0)),
        st.dictionaries(st.just("code"), st.just(0)),
    )
)
def test_nothing_but_the_integer_0_is_success(code: object) -> None:
    assert classify(a_reply(json.dumps({"code": code}).encode())).verdict == "temporary"
