"""Cursors of lists: they come back as they were made, and nothing else is taken for one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.web.cursors import MAX_ID, BadCursor, decode, decode_key, encode


@given(st.integers(min_value=0, max_value=MAX_ID))
def test_a_cursor_comes_back_as_its_id(last_id: int) -> None:
    assert decode("clients", encode("clients", last_id)) == last_id


@given(st.text(max_size=60))
def test_no_text_does_worse_than_to_be_refused(text: str) -> None:
    try:
        assert decode("clients", text) >= 0
    except BadCursor:
        return


@given(st.lists(st.integers(min_value=0, max_value=MAX_ID), min_size=1, max_size=4))
def test_a_key_of_several_numbers_comes_back(key: list[int]) -> None:
    cursor = encode("clients", *key)
    assert decode_key("clients", cursor, len(key)) == tuple(key)
    with pytest.raises(BadCursor):
        decode_key("clients", cursor, len(key) + 1)


def plain(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "====",
        "ключ",
        "\x00",
        encode("mailings", 1),
        encode("clients", 1) + "=",
        encode("clients", 1) + "\n",
        plain("clients:-1"),
        plain("clients:01"),
        plain("clients:1 "),
        plain("clients:"),
        plain("clients"),
        plain(f"clients:{MAX_ID + 1}"),
        plain("clients:" + "9" * 5000),
        plain("clients:٣"),
    ],
)
def test_what_was_not_made_here_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode("clients", cursor)
