"""The number of short messages that a text takes."""

import pytest

from shared.texts.sms import count_segments

ROWS = [
    # text, segments
    ("a", 1),
    ("a" * 160, 1),
    ("a" * 161, 2),
    ("a" * 306, 2),
    ("a" * 307, 3),
    ("a" * 2000, 14),
    # line breaks and the national letters of the alphabet are septets like any other
    ("\r\n" * 80, 1),
    ("é" * 160, 1),
    ("Ω" * 160, 1),
    # a space that must not break and a cedilla are not in it
    ("\u00a0" * 71, 2),
    ("ç" * 71, 2),
    # extension characters count two
    ("€" * 80, 1),
    ("€" * 81, 2),
    ("[" * 80 + "]", 2),
    # 153 is odd: the escape and its character are not cut, so 76 fit into a part
    ("€" * 152, 2),
    ("€" * 153, 3),
    ("a" + "€" * 152, 2),
    # one letter outside the alphabet makes it UCS-2
    ("п" * 70, 1),
    ("п" * 71, 2),
    ("п" * 134, 2),
    ("п" * 135, 3),
    ("a" * 69 + "п", 1),
    ("a" * 70 + "п", 2),
    ("п" * 2000, 30),
    # beyond the first plane a character is two units, and is not cut either
    ("😀" * 35, 1),
    ("😀" * 36, 2),
    ("😀" * 66, 2),
    ("😀" * 67, 3),
    ("a" + "😀" * 66, 2),
]


@pytest.mark.parametrize(("text", "segments"), ROWS)
def test_how_many_messages_a_text_takes(text: str, segments: int) -> None:
    assert count_segments(text) == segments
