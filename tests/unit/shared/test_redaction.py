"""Phones, tokens and secrets are masked, and nothing else is."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction import MOST_KNOWN, Redactor, escape, escape_json, mask_phone, secrets_in
from tests.support.builders import NOON

PHONES = st.from_regex(r"7[0-9]{10}", fullmatch=True)
# Whatever stands around a phone, but for digits: they would make it another number.
AROUND = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20)
DANGEROUS = "\x00\x07\x1b\x7f\x80\x85\x9b\u200f\u202e\u2028\u2066\ufeff\r\n"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJoZXJhbGQifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("79991234567", "7999***4567"),
        # Whatever it stands in.
        ("Key (phone)=(79991234567) already exists", "Key (phone)=(7999***4567) already exists"),
        ("tel79991234567x", "tel7999***4567x"),
        ("79991234567\r\n79991234568", "7999***4567\r\n7999***4568"),
        # Longer or shorter numbers, and others, are none.
        ("799912345678", "799912345678"),
        ("7999123456", "7999123456"),
        ("89991234567", "89991234567"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        ("bearer abc.def", "bearer ***"),
        (f"token={TOKEN}&", "token=***&"),
        ("postgresql://herald:hush@db/herald", "postgresql://herald:***@db/herald"),
        ("amqp://a:b@one,amqp://c:d@two", "amqp://a:***@one,amqp://c:***@two"),
        ("http://localhost:8090/v1", "http://localhost:8090/v1"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_a_text_loses_what_must_not_be_read(text: str, masked: str) -> None:
    assert Redactor().text(text) == masked


def test_the_secrets_of_the_process_are_masked_but_for_words_that_are_too_short_to_be_any() -> None:
    redactor = Redactor(["guest", "open sesame", "open sesame and more"])
    assert redactor.text("guest says open sesame and more, open sesame") == "guest says ***, ***"


def test_values_of_every_kind_are_looked_through() -> None:
    event = {
        "detail": ValueError("79991234567"),
        "names": ["79991234567", {"79991234567": ("79991234567",)}],
        "message_id": 42,
        "client_id": 79991234567,
        "due_at": NOON,
        "share": 0.5,
        "request_id": None,
        "up": True,
    }
    assert Redactor().event(event) == {
        "detail": "7999***4567",
        "names": ["7999***4567", {"7999***4567": ["7999***4567"]}],
        "message_id": 42,
        "client_id": "7999***4567",
        "due_at": NOON,
        "share": 0.5,
        "request_id": None,
        "up": True,
    }


@pytest.mark.parametrize(
    ("request_id", "shown"),
    [
        # Eleven decimal digits in a row stand in one of five hundred ids by chance.
        ("ab71234567890cdef0123456789abcde", "ab71234567890cdef0123456789abcde"),
        # Nobody makes an id that is a phone by chance.
        ("79991234567", "7999***4567"),
        ("for-79991234567", "for-7999***4567"),
    ],
)
def test_an_id_stays_what_it_is_unless_it_is_a_phone(request_id: str, shown: str) -> None:
    assert Redactor().event({"request_id": request_id})["request_id"] == shown


@given(PHONES, AROUND, AROUND)
def test_a_phone_is_found_in_any_text(phone: str, before: str, after: str) -> None:
    assert phone not in Redactor().text(before + phone + after)


@given(PHONES, AROUND, AROUND, st.sampled_from(["detail", "exception", "event", "anything"]))
def test_a_line_with_a_phone_is_suspected(phone: str, before: str, after: str, key: str) -> None:
    assert Redactor().suspects(orjson.dumps({key: [before + phone + after]}))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=8), AROUND)
def test_a_line_with_a_secret_is_suspected(secret: str, around: str) -> None:
    redactor = Redactor([secret])
    assert redactor.suspects(orjson.dumps({"detail": around + secret + around}))
    assert secret not in redactor.text(around + secret + around).replace("***", "")


def test_an_everyday_line_is_not_suspected() -> None:
    line = orjson.dumps({"event": "attempt ended", "message_id": 123456, "time": "2026-05-04T12:00:00.123456Z"})
    assert not Redactor(["a secret of the process"]).suspects(line)
    # The reply of a provider is JSON within JSON.
    assert not Redactor(['a "quoted" secret']).suspects(
        orjson.dumps({"detail": 'HTTP 500: {"code": 1, "path": "a\\b"}\n'})
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | PHONES | st.just(TOKEN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.text(min_size=1) | PHONES | st.sampled_from(["detail", "request_id", "worker", "message_id"])
# One for all examples, since it remembers what it has seen.
REMEMBERING = Redactor(["a secret of the process"])


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_a_plain_event_has_nothing_to_mask_and_nothing_to_escape(event: dict[str, object]) -> None:
    if REMEMBERING.is_plain(event):
        assert REMEMBERING.event(event) == event
        line = orjson.dumps(event)
        assert escape_json(line) == line


@pytest.mark.parametrize(
    ("event", "plain"),
    [
        ({"event": "attempt ended", "message_id": 42, "share": 0.5, "up": True, "request_id": None}, True),
        # An id that has eleven digits by chance is plain as an id only.
        ({"request_id": "ab71234567890cdef"}, True),
        ({"detail": "ab71234567890cdef"}, False),
        ({"request_id": "79991234567"}, False),
        ({"client_id": 79991234567}, False),
        ({"79991234567": 1}, False),
        ({"detail": "a secret of the process"}, False),
        ({"detail": TOKEN}, False),
        ({"detail": "line\nbreak"}, False),
        ({"detail": "Привет"}, False),
        ({"detail": "x" * 65}, False),
        ({"message_ids": [1, 2]}, False),
        ({"due_at": NOON}, False),
    ],
)
def test_only_numbers_and_short_harmless_texts_are_plain(event: dict[str, object], plain: bool) -> None:
    redactor = Redactor(["a secret of the process"])
    for _ in range(2):
        assert redactor.is_plain(event) is plain


def test_what_is_remembered_of_texts_is_bounded() -> None:
    redactor = Redactor()
    for number in range(3 * MOST_KNOWN):
        assert redactor.is_plain({"request_id": f"request-{number}"})
    assert len(redactor._harmless) <= MOST_KNOWN


@given(st.text())
def test_no_control_character_is_left_in_an_escaped_text(text: str) -> None:
    escaped = escape(text + DANGEROUS)
    assert not set(escaped) & set(DANGEROUS)
    assert escaped.isprintable() or all(ord(character) > 159 for character in escaped if not character.isprintable())


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\r\nb\tc", "a\\r\\nb\\tc"), ("\x1b[31m", "\\x1b[31m"), ("\u202e", "\\u202e"), ("Привет", "Привет")],
)
def test_control_characters_are_made_visible(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_a_json_line_means_the_same_without_control_characters(event: dict[str, str]) -> None:
    line = escape_json(orjson.dumps({**event, "more": DANGEROUS}))
    assert json.loads(line) == {**event, "more": DANGEROUS}
    assert not set(line.decode()) & set(DANGEROUS)


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("a token", {"a token"}),
        ("postgresql://herald:hush@db/herald", {"hush"}),
        ("postgresql://db/herald", {""}),
        ("postgresql://herald:hush@[::1/herald", {"hush"}),
        # As it is written, and as it is meant.
        ("amqp://a:b%40c@one/, amqp://d:e@two/", {"b%40c", "b@c", "e"}),
    ],
)
def test_what_is_secret_of_a_setting_is_known(value: str, secrets: set[str]) -> None:
    assert set(secrets_in(value)) == secrets


@given(st.text(max_size=7))
def test_what_is_too_short_for_a_phone_is_hidden_whole(text: str) -> None:
    assert mask_phone(text) == "***"
