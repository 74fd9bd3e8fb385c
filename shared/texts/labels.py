"""Makes labels that look the same the same, such as tags, names and ids: a filter would not match otherwise. Pure."""

import unicodedata

# The blanks of Unicode, which all are below U+3001.
BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
# They show as nothing wherever they stand, and come along with what is copied: soft hyphens, spaces of no width, marks
# of the direction and of the byte order. Two that join letters and emoji are none of them.
UNSEEN = "\xad\u034f\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e" + "".join(
    map(chr, (*range(0x2060, 0x2065), *range(0x2066, 0x2070), 0xFEFF))
)
# At an end they join nothing; and letters that show as nothing.
_AT_ENDS = BLANKS + "\u200c\u200d\u115f\u1160\u3164\uffa0\u2800"
_UNSEEN = str.maketrans("", "", UNSEEN)


def clean(text: str) -> str:
    """Returns a text composed, and without blanks at its ends."""
    return text.strip(BLANKS) if text.isascii() else compose(text).strip(_AT_ENDS)


def compose(text: str) -> str:
    """Returns a text without what shows as nothing, and composed, as NFC has it."""
    return text if text.isascii() else unicodedata.normalize("NFC", text.translate(_UNSEEN))
