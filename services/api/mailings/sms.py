"""Counts the short messages of a text, by the rules of GSM 03.38 (3GPP TS 23.038) and 23.040. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these is sent as an escape and a character.
EXTENSION = "\f^{}\\[~]|€"
_EXTENSION = frozenset(EXTENSION)
# The same as a regular expression of PostgreSQL: a character that no GSM text has.
NOT_BASIC = "[^" + "".join(re.escape(char) for char in sorted(_BASIC | _EXTENSION)) + "]"


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The capacity of a single message, and of one part of several, each of which starts with a header."""

    single: int
    part: int


GSM = Alphabet(single=160, part=153)
UCS2 = Alphabet(single=70, part=67)


def count_segments(text: str) -> int:
    """Counts the messages of a text: in septets if all of it is in the GSM alphabet, else in UTF-16 code units."""
    alphabet, widths = _measure(text)
    return 1 if sum(widths) <= alphabet.single else _count_parts(widths, alphabet.part)


@dataclass(frozen=True, slots=True)
class TextWidth:
    """The width of a text: in the GSM alphabet, if it fits, in UTF-16 code units, and in characters."""

    gsm: bool
    septets: int
    units: int
    characters: int


def width_of(text: str) -> TextWidth:
    return TextWidth(
        gsm=all(char in _BASIC or char in _EXTENSION for char in text),
        septets=len(text) + sum(char in _EXTENSION for char in text),
        units=len(text) + sum(ord(char) > 0xFFFF for char in text),
        characters=len(text),
    )


def segments_of_width(width: TextWidth) -> int:
    """Counts the messages of a text of which only the width is known.

    One may be missing where characters of width two stand at the ends of parts.
    """
    alphabet, used = (GSM, width.septets) if width.gsm else (UCS2, width.units)
    return 1 if used <= alphabet.single else -(-used // alphabet.part)


def _measure(text: str) -> tuple[Alphabet, list[int]]:
    if all(char in _BASIC or char in _EXTENSION for char in text):
        return GSM, [2 if char in _EXTENSION else 1 for char in text]
    return UCS2, [2 if ord(char) > 0xFFFF else 1 for char in text]


def _count_parts(widths: Iterable[int], room: int) -> int:
    """Fills part after part. A character of width two is never split: it starts the next part instead."""
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
