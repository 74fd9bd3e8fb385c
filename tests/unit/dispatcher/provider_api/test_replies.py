"""Replies of the provider are classified by status and code."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.provider_api.replies import LONGEST_REASON, Classification, Reply, ReplyKind, classify
from services.dispatcher.provider_api.retry_after import LONGEST_RETRY_AFTER
from tests.support.builders import a_reply

OK = b'{"code": 0, "message": "OK"}'
ACCEPTED = Classification("accepted", "accepted", "accepted")
HTML = b"<html><body>Bad gateway</body></html>"
SENT_AT = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("body", "classification"),
    [
        (OK, ACCEPTED),
        (b'{"code": 0}', ACCEPTED),
        (b' {"code":0,"message":null,"more":[1]} \n', ACCEPTED),
        # An error code. It is an int32 by the contract, and read whatever its size.
        (b'{"code": 1}', Classification("temporary", "error_code", "code 1")),
        (b'{"code": -1}', Classification("temporary", "error_code", "code -1")),
        (b'{"code": 2147483648}', Classification("temporary", "error_code", "code 2147483648")),
        # A code in quotes is the number in them.
        (b'{"code": "0"}', ACCEPTED),
        (b'{"code": "-7"}', Classification("temporary", "error_code", "code -7")),
        # Bytes before and after the object that change nothing, and texts in another encoding.
        (b"\xef\xbb\xbf" + OK, ACCEPTED),
        (OK + b"\0\0", ACCEPTED),
        (OK + b"<!-- 12 ms -->", ACCEPTED),
        (b'{"code": 0, "message": "\xcf\xf0\xe8\xed\xff\xf2\xee"}', ACCEPTED),
        (b'{"code": 5}<br>', Classification("temporary", "error_code", "code 5")),
        # Other types are no code: no truth, fraction or word passes.
        (b'{"code": false}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": true}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": 0.0}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": 0e0}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": ""}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": "OK"}', Classification("temporary", "unreadable", "reply has no code")),
        (b'{"code": " 0"}', Classification("temporary", "unreadable", "reply has no code")),
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
        (b'<br>{"code": 0}', Classification("temporary", "unreadable", "reply is not JSON")),
        # Two replies in one may say opposite things.
        (b'{"code": 0}{"code": 5}', Classification("temporary", "unreadable", "reply is not JSON")),
        (b"[" * 65_536, Classification("temporary", "unreadable", "reply is not JSON")),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else value.reason,
)
@pytest.mark.parametrize("status", [200, 203, 206, 299])
def test_a_2xx_is_read_for_its_code(status: int, body: bytes, classification: Classification) -> None:
    assert classify(a_reply(body, status)) == classification


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        # Created and accepted say it themselves, unless the body says otherwise or nothing that can be read.
        (201, b"", "accepted"),
        (202, b"", "accepted"),
        (201, b'{"id": "a5"}', "accepted"),
        (202, b'{"message": "queued"}', "accepted"),
        (202, OK, "accepted"),
        (202, b'{"code": 5}', "error_code"),
        (202, b'{"code": null}', "unreadable"),
        (202, HTML, "unreadable"),
        (202, b"[]", "unreadable"),
        # No content: there is nothing to read, and nothing is wrong.
        (204, b"", "accepted"),
        # An empty 200 is no answer by the contract: proxies give it.
        (200, b"", "unreadable"),
        (200, b'{"id": "a5"}', "unreadable"),
        (206, b"", "unreadable"),
    ],
)
def test_some_statuses_say_by_themselves_that_it_was_taken(status: int, body: bytes, outcome: str) -> None:
    classification = classify(a_reply(body, status))
    assert (classification.outcome, classification.not_taken) == (outcome, False)


@pytest.mark.parametrize(
    ("reply", "not_taken"),
    [
        (Reply("unreachable", detail="ConnectionRefusedError"), True),
        (Reply("timeout"), False),
        (Reply("broken"), False),
        (a_reply(b"", 401), True),
        (a_reply(b"", 403), True),
        (a_reply(b"", 429), True),
        (a_reply(b"", 429, retry_after="7"), True),
        (a_reply(b"", 503, retry_after="7"), True),
        (a_reply(b"", 503, retry_after="0"), True),
        # Without a time to come again, and with one that nobody believes, it may have been taken.
        (a_reply(b"", 503), False),
        (a_reply(b"", 503, retry_after="99999999999"), False),
        (a_reply(b"", 500, retry_after="7"), False),
        (a_reply(b"", 502, retry_after="7"), False),
        (a_reply(b"", 301), False),
        (a_reply(b"", 404), False),
        (a_reply(b"", 408), False),
        (a_reply(b'{"code": 5}'), False),
        (a_reply(HTML), False),
    ],
)
def test_only_what_was_certainly_not_taken_is_free(reply: Reply, not_taken: bool) -> None:
    assert classify(reply).not_taken is not_taken


@pytest.mark.parametrize(
    ("status", "verdict", "outcome"),
    [
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
        (401, "hold", "unauthorized"),
        (403, "hold", "unauthorized"),
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
    assert classify(Reply(kind, detail="ClientOSError")) == Classification(
        "temporary", kind, reason, not_taken=kind == "unreachable"
    )


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        # Seconds.
        ("0", timedelta(0)),
        ("7", timedelta(seconds=7)),
        (" 120 ", timedelta(minutes=2)),
        ("007", timedelta(seconds=7)),
        ("86400", timedelta(days=1)),
        ("604800", timedelta(days=7)),
        # More than a week is nonsense, and as if it were not there.
        ("604801", None),
        ("99999999999", None),
        ("9" * 100, None),
        # Dates, in the three forms of HTTP, measured against the reply's own Date.
        ("Sun, 06 Nov 1994 08:49:44 GMT", timedelta(seconds=7)),
        ("Sunday, 06-Nov-94 08:49:44 GMT", timedelta(seconds=7)),
        ("Sun Nov  6 08:49:44 1994", timedelta(seconds=7)),
        ("Sun, 06 Nov 1994 11:49:44 +0300", timedelta(seconds=7)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", timedelta(0)),
        # Past is now; far is nonsense.
        ("Sun, 06 Nov 1994 08:00:00 GMT", timedelta(0)),
        ("Sun, 13 Nov 1994 08:49:37 GMT", timedelta(days=7)),
        ("Sun, 13 Nov 1994 08:49:38 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
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
    assert classification.verdict != "accepted" or status // 100 == 2
    # What follows a colon in a detail is the provider's: the reason must be told from it.
    assert ":" not in classification.reason
    assert classification.retry_after is None or timedelta(0) <= classification.retry_after <= LONGEST_RETRY_AFTER
    assert len(classification.reason) <= LONGEST_REASON


@given(
    st.one_of(
        st.integers().filter(bool),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text not in ("0", "-0")),
        st.booleans(),
        st.none(),
        st.lists(st.just(0)),
        st.dictionaries(st.just("code"), st.just(0)),
    )
)
def test_nothing_but_0_is_success(code: object) -> None:
    assert classify(a_reply(json.dumps({"code": code}).encode())).verdict == "temporary"
