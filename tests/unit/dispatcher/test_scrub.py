"""Replies are scrubbed of echoed phones, texts and tokens."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.scrub import DETAIL_LENGTH, scrub
from tests.support.builders import PHONE, TEXT, TOKEN


def cleaned(body: bytes, phone: str, text: str, token: str) -> str | None:
    return scrub(body.decode("utf-8", "replace"), phone=phone, text=text, secrets=[token])


RUSSIAN = "Дорогой клиент, ваш заказ готов"
QUOTED = 'Скидка "Осень" — до 50 %'
GUILLEMETS = "Скидка «Осень» — до 50\u00a0%"
EMOJI = "Привет 😀, заказ готов"
LINES = "Первая строка \n вторая строка \r\n третья"
LINK = "Подробнее: https://example.com/a?b=1&c=2"
BACKSLASH = r"C:\new\table и ещё"
LONG = "Ваш заказ номер семь ждёт вас. " * 64


def as_it_is(text: str) -> str:
    return f"bad text: {text}!"


def as_json(text: str) -> str:
    return json.dumps({"message": f"bad text: {text}"}, ensure_ascii=False)


def as_ascii_json(text: str) -> str:
    return json.dumps({"message": f"bad text: {text}"})


def in_capitals(text: str) -> str:
    return "".join(f"\\u{ord(letter):04X}" if letter > "\x7f" else letter for letter in text)


def as_capital_ascii_json(text: str) -> str:
    return f'{{"message": "bad text: {in_capitals(text)}"}}'


def as_json_with_escaped_slashes(text: str) -> str:
    return as_ascii_json(text).replace("/", "\\/")


def thrice(text: str) -> str:
    return text * 3


def pieces(text: str) -> list[str]:
    """The words of a text that must not be seen, each in every form it may be seen in."""
    words = re.findall(r"[^\W\d_]{5,}", text)
    return [form for word in words for form in (word, json.dumps(word)[1:-1], in_capitals(word))]


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        (TEXT, as_it_is),
        (TEXT, as_json),
        (RUSSIAN, as_it_is),
        (RUSSIAN, as_json),
        (RUSSIAN, as_ascii_json),
        (QUOTED, as_it_is),
        (QUOTED, as_json),
        (QUOTED, as_ascii_json),
        (GUILLEMETS, as_it_is),
        (GUILLEMETS, as_json),
        (GUILLEMETS, as_ascii_json),
        (EMOJI, as_it_is),
        (EMOJI, as_json),
        (EMOJI, as_ascii_json),
        (LINES, as_it_is),
        (LINES, as_json),
        (LINES, as_ascii_json),
        (BACKSLASH, as_it_is),
        (BACKSLASH, as_json),
        (BACKSLASH, as_ascii_json),
        # What writes \u041f, and \/ for /, is JSON as well.
        (RUSSIAN, as_capital_ascii_json),
        (LINK, as_json_with_escaped_slashes),
        # Longer than what is looked at, so that its end is cut off before it is compared.
        (LONG, as_it_is),
        (LONG, as_json),
        (LONG, as_ascii_json),
        (LONG, thrice),
    ],
    ids=lambda value: getattr(value, "__name__", None) or value[:12],
)
def test_an_echoed_text_is_scrubbed(text: str, echo: Callable[[str], str]) -> None:
    scrubbed = cleaned(echo(text).encode(), PHONE, text, TOKEN)
    assert scrubbed is not None
    assert [piece for piece in pieces(text) if piece in scrubbed] == []


@pytest.mark.parametrize(
    "body",
    [
        "bad phone 79991234567",
        "bad phone +79991234567.",
        '{"phone": 79991234567}',
        '{"phone": "79991234567", "id": 5}',
        "9991234567 is blocked",
        "bad phone 89991234567",
        "<b>79991234567</b>",
        "tel:79991234567;79991234567",
        # Written for people.
        "bad phone +7 999 123-45-67",
        "bad phone +7 (999) 123-45-67",
        "bad phone 7-999-123-4567",
    ],
)
def test_an_echoed_phone_is_scrubbed(body: str) -> None:
    scrubbed = cleaned(body.encode(), PHONE, TEXT, TOKEN) or ""
    assert "1234567" not in "".join(letter for letter in scrubbed if letter.isdigit())


@pytest.mark.parametrize("body", [f"bad token {TOKEN}", f"Authorization: Bearer {TOKEN}", json.dumps({"jwt": TOKEN})])
def test_an_echoed_token_is_scrubbed(body: str) -> None:
    scrubbed = cleaned(body.encode(), PHONE, TEXT, TOKEN) or ""
    assert [part for part in TOKEN.split(".") if part in scrubbed] == []


@pytest.mark.parametrize(
    ("text", "body", "hidden"),
    [
        # A text that has the phone in it is still the text once the phone is gone.
        (f"Call {PHONE} for your order", f"bad text: Call {PHONE} for your order", "your order"),
        # A text that has the token in it, or is a part of it, hides no part of it from being found.
        ("e", f"bad token {TOKEN}", "yJhbGci"),
        (TOKEN[:5], f"bad token {TOKEN}", TOKEN[5:15]),
        ("7999", f"bad phone {PHONE}", "1234567"),
    ],
)
def test_one_secret_in_another_hides_neither(text: str, body: str, hidden: str) -> None:
    assert hidden not in (cleaned(body.encode(), PHONE, text, TOKEN) or "")


letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*\\")


@settings(deadline=None)
@given(
    text=st.text(letters, min_size=1, max_size=300),
    before=st.text("<>{}:;.\n\t\0 ", max_size=60),
    after=st.text("<>{}:;.\n\t\0 ", max_size=60),
    echo=st.sampled_from([as_it_is, as_json, as_ascii_json]),
)
def test_no_echoed_text_is_ever_seen(text: str, before: str, after: str, echo: Callable[[str], str]) -> None:
    # The words around it are of the provider's own: "text" is no secret, even where it is the text.
    bare = cleaned(f"{before}{echo('')}{after}".encode(), PHONE, "\ue000", TOKEN) or ""
    scrubbed = cleaned(f"{before}{echo(text)}{after}".encode(), PHONE, text, TOKEN) or ""
    for form in (text, json.dumps(text)[1:-1]):
        assert form not in scrubbed or form in bare or len(form) < 3


@given(st.binary(max_size=600), st.binary(max_size=40))
def test_what_is_left_is_a_short_line_or_nothing(body: bytes, secret: bytes) -> None:
    scrubbed = cleaned(body, "", secret.decode("latin-1"), "")
    if scrubbed is None:
        return
    assert 0 < len(scrubbed) <= DETAIL_LENGTH
    assert scrubbed.isprintable() or not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in scrubbed)
    assert len(scrubbed.splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "scrubbed"),
    [
        (b"", None),
        (b" \n\0\t ", None),
        (b"no funds", "no funds"),
        # A control character could forge a line of a log, or steer a terminal; PostgreSQL refuses NUL.
        (b"line one\r\nline two", "line one line two"),
        (b"a\0b\x1b[31mc\x7fd\xc2\x85e\xe2\x80\xa8f", "a b [31mc d e f"),
        (b"\xff\xfe no UTF-8", "\ufffd\ufffd no UTF-8"),
        ("Недостаточно средств".encode(), "Недостаточно средств"),
        (b"x" * 500, "x" * DETAIL_LENGTH),
        # Numbers too short for a phone are kept: they may be the provider's own code.
        (b"error 123456", "error 123456"),
    ],
)
def test_the_rest_of_a_reply_is_kept(body: bytes, scrubbed: str | None) -> None:
    assert cleaned(body, PHONE, TEXT, TOKEN) == scrubbed


def test_what_broke_is_kept() -> None:
    assert cleaned(b"ServerDisconnectedError", PHONE, TEXT, TOKEN) == "ServerDisconnectedError"


def test_an_empty_secret_hides_nothing() -> None:
    assert cleaned(b"no funds", "", TEXT, "") == "no funds"


@pytest.mark.parametrize(
    ("body", "scrubbed"),
    [
        (f"bad text: {TEXT[:20]}...", "bad text: ***..."),
        (f"bad text: ...{TEXT[-15:]}", "bad text: ...***"),
        # A word of five letters is nobody's secret.
        ("bad order", "bad order"),
    ],
)
def test_a_part_of_the_text_is_scrubbed(body: str, scrubbed: str) -> None:
    assert cleaned(body.encode(), PHONE, TEXT, TOKEN) == scrubbed


@pytest.mark.parametrize("body", ["use 78005553535 instead", '{"phone": 79995550101}', "tel:+74951234567"])
def test_a_phone_of_somebody_else_is_scrubbed_too(body: str) -> None:
    assert not re.search(r"\d{7}", cleaned(body.encode(), PHONE, TEXT, TOKEN) or "")


@pytest.mark.parametrize("echo", ["p%40ss%3A+w%C3%B6rd", "p%40ss%3A%20w%C3%B6rd", "p@ss: wörd"])
def test_a_secret_is_hidden_as_an_address_or_a_form_has_it(echo: str) -> None:
    assert cleaned(f"GET /send?login=me&psw={echo}&fmt=3".encode(), PHONE, TEXT, "p@ss: wörd") == (
        "GET /send?login=me&psw=***&fmt=3"
    )
