"""Decompresses request bodies piece by piece, and refuses those that are broken or far larger than what was sent."""

import zlib
from collections.abc import Iterator

# The encodings that a body may have. x-gzip is the old name of gzip (RFC 9110, section 8.4.1.3).
GZIP_NAMES, DEFLATE = frozenset({"gzip", "x-gzip"}), "deflate"
ACCEPTED = ("gzip", DEFLATE)
# The most that one call decompresses.
PIECE = 64 * 1024
# Real CSV shrinks to a tenth; what shrinks to a fiftieth was made to cost memory or processor time.
MOST_RATIO = 50
# A body this small costs nothing, whatever its ratio.
UNJUDGED_BYTES = 1024 * 1024

_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_ZLIB_METHOD = 8


class Undecodable(Exception):
    """The bytes are not what Content-Encoding names. The message gives the reason."""


class Inflated(Exception):
    """The body is over MOST_RATIO times as large as what was sent."""


def is_accepted(encoding: str) -> bool:
    """Returns whether a Decompressor can be made for this value of Content-Encoding."""
    return encoding in GZIP_NAMES or encoding == DEFLATE


class Decompressor:
    """Decompresses one body. Gzip may consist of several members, one after the other, as RFC 1952 allows."""

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding in GZIP_NAMES
        self._name = "gzip" if self._gzip else DEFLATE
        self._stream = zlib.decompressobj(_GZIP_WINDOW) if self._gzip else None
        self._received = 0
        self._yielded = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields pieces of at most PIECE bytes. Raises Undecodable and Inflated."""
        self._received += len(data)
        while data:
            stream = self._started(data)
            try:
                piece = stream.decompress(data, PIECE)
            except zlib.error:
                raise Undecodable(f"it is not {self._name}") from None
            self._count(piece)
            if piece:
                yield piece
            data = stream.unused_data if stream.eof else stream.unconsumed_tail
            if not data and len(piece) == PIECE and not stream.eof:
                yield from self._held_back(stream)

    def end(self) -> None:
        """Raises Undecodable unless the compressed data is complete. An empty body is an empty body."""
        if self._received and (self._stream is None or not self._stream.eof):
            raise Undecodable(f"the {self._name} data ends early")

    def _started(self, data: bytes) -> "zlib._Decompress":
        """Returns the stream that reads `data`; after the end of a gzip member that of the next one."""
        if self._stream is None:
            # Some senders leave out the header that RFC 9110 asks for.
            self._stream = zlib.decompressobj(_ZLIB_WINDOW if data[0] & 15 == _ZLIB_METHOD else _RAW_WINDOW)
        elif self._stream.eof:
            if not self._gzip or data[:1] != b"\x1f":
                raise Undecodable(f"there are bytes after the end of the {self._name} data")
            self._stream = zlib.decompressobj(_GZIP_WINDOW)
        return self._stream

    def _held_back(self, stream: "zlib._Decompress") -> Iterator[bytes]:
        """Yields what zlib holds back after all input was taken."""
        while piece := stream.decompress(b"", PIECE):
            self._count(piece)
            yield piece

    def _count(self, piece: bytes) -> None:
        self._yielded += len(piece)
        if self._yielded > UNJUDGED_BYTES and self._yielded > MOST_RATIO * self._received:
            raise Inflated
