"""Parses the replies of one connection, one after the other, within bounds."""

import re
import zlib
from typing import Any

import httptools

from services.dispatcher.provider_api.replies import Reply

LONGEST_HEAD = 32 * 1024
LONGEST_BODY = 64 * 1024
# All bytes of one reply: a chunk may have extensions, and a reply trailers, that are in no body.
LONGEST_REPLY = 1024 * 1024

_TIMEOUT = re.compile(rb"timeout\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


class MalformedReply(Exception):
    """What came is no HTTP reply, or one beyond the bounds."""


class ReplyParser:
    """A parser for the replies on one connection.

    `reusable` says, once a reply is whole, whether another request may follow on the connection; `keeps_for` is for
    how many seconds the server said that it keeps the connection, if it said so.
    """

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        # Faults that leave no doubt what was meant. A reply taken for broken is a message sent again.
        self._parser.set_dangerous_leniencies(
            lenient_chunked_length=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self.reusable = True
        self.keeps_for: float | None = None
        self.begin()

    def begin(self) -> None:
        """Expects the next reply."""
        self._body = b""
        self._retry_after: bytes | None = None
        self._date: bytes | None = None
        self._encoding = b""
        self._seen = 0
        self._head = 0
        self._status = 0
        self._in_body = False
        self._sized = False
        self._whole = False

    def feed(self, data: bytes) -> Reply | None:
        """Takes what arrived, and returns the reply once it is whole or cut. Raises MalformedReply."""
        self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            # What follows a whole reply has no part in it.
            if not self._whole:
                raise MalformedReply(type(error).__name__) from error
        if self._head > LONGEST_HEAD or (not self._in_body and self._seen > LONGEST_HEAD):
            raise MalformedReply("head too long")
        if self._whole or len(self._body) >= LONGEST_BODY:
            return self._finish()
        if self._seen > LONGEST_REPLY:
            raise MalformedReply("reply too long")
        return None

    def end(self) -> Reply | None:
        """Returns the reply that ends with its connection: one whose body has no length and no chunks. Else None."""
        if not self._in_body or self._sized:
            return None
        return self._finish()

    def _finish(self) -> Reply:
        cut = len(self._body) >= LONGEST_BODY
        if cut or not self._whole:
            self.reusable = False
        body = _unpacked(self._body[:LONGEST_BODY], self._encoding) if self._encoding else self._body[:LONGEST_BODY]
        return Reply(
            "answered",
            self._status,
            body,
            retry_after=None if self._retry_after is None else self._retry_after.decode("latin-1"),
            date=None if self._date is None else self._date.decode("latin-1"),
        )

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._whole:
            # A second reply, to a question that nobody asked.
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._whole:
            return
        self._head += len(name) + len(value) + 4
        if self._in_body:
            # A trailer.
            return
        match name.lower():
            case b"retry-after":
                self._retry_after = value
            case b"date":
                self._date = value
            case b"content-length" | b"transfer-encoding":
                self._sized = True
            case b"content-encoding":
                self._encoding = value.strip().lower()
            case b"keep-alive":
                found = _TIMEOUT.search(value)
                self.keeps_for = float(found[1]) if found else None

    def on_headers_complete(self) -> None:
        if not self._whole:
            # Kept, since a second reply in the same piece would replace the parser's.
            self._status = self._parser.get_status_code()
            self._in_body = True

    def on_body(self, piece: bytes) -> None:
        if not self._whole and len(self._body) < LONGEST_BODY:
            self._body = self._body + piece if self._body else piece

    def on_message_complete(self) -> None:
        if self._whole:
            return
        if 100 <= self._status < 200:
            # An interim reply. Its bytes count towards the bounds of the one that follows.
            seen, head = self._seen, self._head
            self.begin()
            self._seen, self._head = seen, head
            return
        self._whole = True
        self.reusable = self._parser.should_keep_alive()


def _unpacked(body: bytes, encoding: bytes) -> bytes:
    """Unpacks a body, up to 64 KiB. One that cannot be unpacked stays as it came."""
    if encoding in (b"gzip", b"x-gzip"):
        return _inflated(body, (31,))
    if encoding == b"deflate":
        # By the standard within zlib's frame, and without it as some servers have it.
        return _inflated(body, (15, -15))
    return body


def _inflated(body: bytes, frames: tuple[int, ...]) -> bytes:
    for frame in frames:
        try:
            return zlib.decompressobj(frame).decompress(body, LONGEST_BODY)
        except zlib.error:
            continue
    return body
