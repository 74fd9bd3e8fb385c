"""Labels that look the same are the same."""

import pytest

from shared.texts.labels import clean


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" vip ", "vip"),
        ("vip\u00a0", "vip"),
        ("\ufeffvip", "vip"),
        ("v\u200bip", "vip"),
        ("vi\u00adp", "vip"),
        ("\u202avip\u202c", "vip"),
        ("\u2067vip\u2069", "vip"),
        ("vip\u200d", "vip"),
        ("\u3164vip\u2800", "vip"),
        # Composed, as everything but the files of a Mac has it.
        ("новыи\u0306", "новый"),
        ("cafe\u0301", "caf\u00e9"),
        # What joins letters and emoji stays, and blanks within.
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("a\u00a0b", "a\u00a0b"),
        ("\u200b", ""),
        ("", ""),
    ],
)
def test_what_shows_as_nothing_is_dropped_and_letters_are_composed(typed: str, stored: str) -> None:
    assert clean(typed) == stored
    assert clean(stored) == stored
