"""The encodings of files: turns their bytes into UTF-8, chunk by chunk, and recognises them. Pure."""

import codecs
import re
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "windows-1251"]

BOM = codecs.BOM_UTF8
_BOMS_OF_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Bytes that have no meaning become a byte that UTF-8 does not have, so that their line is refused and no other.
_NO_UTF8 = b"\xff"
# This part of the characters beyond ASCII must be Cyrillic before a file is taken for windows-1251.
_CYRILLIC_PART = 0.6
_CYRILLIC = re.compile("[\u0400-\u04ff\u2116\xab\xbb\u2013\u2014]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
# With no more wrong characters among those beyond ASCII, a file is UTF-8 with damaged lines: read as UTF-8, nearly all
# Cyrillic letters of windows-1251 are wrong.
_DAMAGED_PART = 0.3


class Transcoder:
    """Turns the chunks of one file into UTF-8. UTF-16 is known by its byte order mark, whatever was named."""

    def __init__(self, encoding: Encoding = "utf-8") -> None:
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = False
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Returns what a chunk completes, in UTF-8."""
        if self._decoder is None:
            if self._begun:
                return chunk
            chunk = self._held + chunk
            if len(chunk) < 2:
                self._held = chunk
                return b""
            self._begin(chunk)
            if self._decoder is None:
                return chunk
        return self._decode(self._decoder, chunk, final=False)

    def end(self) -> bytes:
        """Returns the rest, in UTF-8."""
        if not self._begun:
            return self._held
        return b"" if self._decoder is None else self._decode(self._decoder, b"", final=True)

    def _begin(self, head: bytes) -> None:
        self._begun = True
        if head.startswith(_BOMS_OF_UTF16):
            self._decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
        elif self._encoding == "utf-16":
            # Without a mark: little endian, as Windows writes it, unless the zeros stand in front.
            name = "utf-16-be" if head[0] == 0 else "utf-16-le"
            self._decoder = codecs.getincrementaldecoder(name)("surrogatepass")
        elif self._encoding == "windows-1251":
            self._decoder = codecs.getincrementaldecoder("cp1251")("surrogateescape")

    def _decode(self, decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> bytes:
        try:
            # Lone surrogates, which stand for what could not be read, become bytes that are no UTF-8.
            return decoder.decode(chunk, final).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            # Half of a last character.
            return _NO_UTF8


def recognise(head: bytes) -> Encoding | None:
    """Returns the encoding of a file by its first bytes; None if it is none of the three."""
    if head.startswith(_BOMS_OF_UTF16):
        return "utf-16"
    if head.startswith(BOM):
        return "utf-8"
    if b"\0" in head:
        return "utf-16" if _looks_like_utf16(head) else None
    # The last character may be cut.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    damaged, beyond = text.count("\ufffd"), len(_BEYOND_ASCII.findall(text))
    if damaged == 0 or damaged <= beyond * _DAMAGED_PART:
        return "utf-8"
    letters = head.decode("cp1251", "replace")
    beyond, cyrillic = len(_BEYOND_ASCII.findall(letters)), len(_CYRILLIC.findall(letters))
    return "windows-1251" if cyrillic >= beyond * _CYRILLIC_PART else None


def _looks_like_utf16(head: bytes) -> bool:
    """Returns whether every other byte is mostly zero, as in digits and separators of UTF-16."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    return max(even, odd) > 0.3 * len(head) / 2 and min(even, odd) < 0.01 * len(head)
