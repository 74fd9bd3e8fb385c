"""Replies as they come over the wire, whole, in pieces, and wrong."""

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.provider_api.replies import Reply
from services.dispatcher.provider_api.reply_parser import LONGEST_BODY, LONGEST_HEAD, MalformedReply, ReplyParser

OK = b'{"code": 0}'
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = HEAD + b"Content-Length: 11\r\n\r\n" + OK
BARE = zlib.compressobj(wbits=-15)
RAW_DEFLATE = BARE.compress(OK) + BARE.flush()


def sized(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


def parse(data: bytes, pieces: int = 0, *, closed: bool = True) -> tuple[Reply | None, ReplyParser]:
    """Feeds data in pieces of that many bytes (0: at once), then the end of the connection where it was closed."""
    parser, size = ReplyParser(), pieces or max(len(data), 1)
    for start in range(0, len(data), size):
        reply = parser.feed(data[start : start + size])
        if reply is not None:
            return reply, parser
    return (parser.end() if closed else None), parser


@pytest.mark.parametrize("pieces", [0, 1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("data", "status", "body", "reusable"),
    [
        # By length, by chunks, and until the connection ends.
        (WHOLE, 200, OK, True),
        (CHUNKED + b"b\r\n" + OK + b"\r\n0\r\n\r\n", 200, OK, True),
        (CHUNKED + b"1\r\n{\r\nA\r\n" + OK[1:] + b"\r\n0\r\n\r\n", 200, OK, True),
        (HEAD + b"\r\n" + OK, 200, OK, False),
        (HEAD + b"Connection: close\r\n\r\n" + OK, 200, OK, False),
        (HEAD + b"\r\n", 200, b"", False),
        (sized(b""), 200, b"", True),
        # Closed after it, as it said, or because it is HTTP/1.0.
        (sized(OK, b"Connection: close"), 200, OK, False),
        (b"HTTP/1.0 200 OK\r\n\r\n" + OK, 200, OK, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\n" + OK, 200, OK, False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 11\r\n\r\n" + OK, 200, OK, True),
        # Chunks with extensions, a padded size, and trailers.
        (CHUNKED + b"b;name=value\r\n" + OK + b"\r\n0\r\n\r\n", 200, OK, True),
        (CHUNKED + b"000b  \r\n" + OK + b"\r\n0\r\n\r\n", 200, OK, True),
        (CHUNKED + b"b\r\n" + OK + b"\r\n0\r\nX-Checksum: 5\r\nRetry-After: 9\r\n\r\n", 200, OK, True),
        # Replies without a body.
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 11\r\n\r\n", 304, b"", True),
        # Interim replies come before the reply.
        (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, 200, OK, True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + WHOLE, 200, OK, True),
        (b"HTTP/1.1 102 Processing\r\nRetry-After: 9\r\n\r\n" + WHOLE, 200, OK, True),
        # No reason, an empty header, other cases, and an upgrade that is only offered.
        (b"HTTP/1.1 200\r\nContent-Length: 11\r\n\r\n" + OK, 200, OK, True),
        (HEAD + b"X-Empty:\r\ncOnTeNt-LeNgTh:11\r\n\r\n" + OK, 200, OK, True),
        (HEAD + b"X-Empty: \r\ncontent-length:  11  \r\n\r\n" + OK, 200, OK, True),
        (sized(OK, b"Connection: Upgrade, Keep-Alive", b"Upgrade: h2,h2c"), 200, OK, True),
        # Bare line feeds, and a byte of no encoding.
        (WHOLE.replace(b"\r\n", b"\n"), 200, OK, True),
        (sized(OK, b"Server: caf\xe9"), 200, OK, True),
        # A length beside chunks: the chunks count, by the standard.
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + OK + b"\r\n0\r\n\r\n", 200, OK, True),
        # Packed, though we asked for identity.
        (sized(gzip.compress(OK, mtime=0), b"Content-Encoding: gzip"), 200, OK, True),
        (sized(gzip.compress(OK, mtime=0), b"Content-Encoding: X-GZIP"), 200, OK, True),
        (sized(zlib.compress(OK), b"Content-Encoding: deflate"), 200, OK, True),
        (sized(RAW_DEFLATE, b"Content-Encoding: deflate"), 200, OK, True),
        (sized(OK, b"Content-Encoding: identity"), 200, OK, True),
        # Said to be packed and not, or packed as nobody asked: as it came.
        (sized(OK, b"Content-Encoding: gzip"), 200, OK, True),
        (sized(b"\x0b\x05\x80", b"Content-Encoding: br"), 200, b"\x0b\x05\x80", True),
        # Any three digits are a status.
        (sized(b"", status=b"999 What"), 999, b"", True),
    ],
)
def test_a_reply_is_read_whatever_the_pieces(
    data: bytes, status: int, body: bytes, reusable: bool, pieces: int
) -> None:
    reply, parser = parse(data, pieces)
    assert reply is not None
    assert (reply.kind, reply.http_status, reply.body) == ("answered", status, body)
    # Headers of interim replies and trailers are none of the reply's.
    assert reply.retry_after is None
    assert parser.reusable is reusable


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_its_retry_after_and_date_are_kept(pieces: int) -> None:
    data = sized(b"", b"X:", b"RETRY-AFTER: 7", b"date: Sun, 06 Nov 1994 08:49:37 GMT", status=b"503 Busy")
    reply, _ = parse(data, pieces)
    assert reply == Reply("answered", 503, b"", retry_after="7", date="Sun, 06 Nov 1994 08:49:37 GMT")


@pytest.mark.parametrize(
    ("hint", "keeps_for"),
    [(b"timeout=5", 5), (b"timeout=5, max=100", 5), (b'max=3, Timeout="65"', 65), (b"max=3", None), (b"", None)],
)
def test_it_notes_how_long_the_server_keeps_the_connection(hint: bytes, keeps_for: float | None) -> None:
    assert parse(sized(OK, b"Keep-Alive: " + hint))[1].keeps_for == keeps_for


def test_replies_follow_each_other_on_a_connection() -> None:
    parser = ReplyParser()
    first = parser.feed(sized(b"1", b"Retry-After: 7"))
    parser.begin()
    second = parser.feed(sized(b"22"))
    assert first is not None
    assert second is not None
    assert [(reply.body, reply.retry_after) for reply in (first, second)] == [(b"1", "7"), (b"22", None)]


@pytest.mark.parametrize("after", [b"x", b"\r\n", WHOLE, b"HTTP/1.1 500 Oh\r\n\r\n", b"\0" * 1000])
def test_what_follows_a_reply_ends_its_connection_and_not_the_reply(after: bytes) -> None:
    reply, parser = parse(WHOLE + after)
    assert reply is not None
    assert (reply.http_status, reply.body) == (200, OK)
    # Empty lines between replies are harmless; anything else might be taken for the next reply.
    assert parser.reusable is (after == b"\r\n")


@pytest.mark.parametrize("pieces", [0, 1, 7])
@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"\0" * 100,
        b"<html>",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/3.7 200 OK\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5x\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
        HEAD + b"Content-Length: 11\r\nContent-Length: 12\r\n\r\n" + OK,
        HEAD + b"no colon\r\n\r\n",
        CHUNKED + b"xyz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"ffffffffffffffffffff\r\n",
        CHUNKED + b"b\r\n" + OK + b"no end of a chunk",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_what_is_no_reply_is_malformed(data: bytes, pieces: int) -> None:
    with pytest.raises(MalformedReply):
        parse(data, pieces, closed=False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        HEAD + b'Content-Length: 11\r\n\r\n{"code"',
        HEAD + b"Content-Length: 12\r\n\r\n" + OK,
        CHUNKED,
        CHUNKED + b"b\r\n" + OK,
        CHUNKED + b"b\r\n" + OK + b"\r\n",
        CHUNKED + b"b\r\n" + OK + b"\r\n0\r\n",
    ],
)
def test_a_reply_that_ends_too_early_is_none(data: bytes) -> None:
    assert parse(data)[0] is None


def head_of(size: int) -> bytes:
    """Makes a reply whose headers count that many bytes, name, colon, blank and line end included."""
    return sized(b"", b"X: " + b"x" * (size - len(b"X: \r\nContent-Length: 0\r\n")))


@pytest.mark.parametrize("pieces", [0, 1000])
def test_a_head_of_32_kib_is_read_and_a_longer_one_is_not(pieces: int) -> None:
    assert parse(head_of(LONGEST_HEAD - 100), pieces)[0] is not None
    with pytest.raises(MalformedReply, match="head too long"):
        parse(head_of(LONGEST_HEAD + 100), pieces)


@pytest.mark.parametrize(
    "piece",
    [
        b"X: " + b"x" * 1000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_a_head_without_end_is_given_up(piece: bytes) -> None:
    parser = ReplyParser()
    if piece.startswith(b"X"):
        parser.feed(HEAD)
    assert _fed_until_it_ends(parser, piece) <= LONGEST_HEAD + 10_000


def _fed_until_it_ends(parser: ReplyParser, piece: bytes) -> int:
    """Feeds the piece again and again, and returns how many bytes it took."""
    fed, reply = 0, None
    with contextlib.suppress(MalformedReply):
        while reply is None:
            reply = parser.feed(piece)
            fed += len(piece)
    return fed


@pytest.mark.parametrize("piece", [b"1;" + b"x" * 1000 + b"\r\nA\r\n", b"x" * 1000])
def test_chunks_and_trailers_without_end_are_given_up(piece: bytes) -> None:
    parser = ReplyParser()
    parser.feed(CHUNKED if piece.startswith(b"1") else CHUNKED + b"0\r\nX-Trailer: ")
    assert _fed_until_it_ends(parser, piece) <= 2 * 1024 * 1024


@pytest.mark.parametrize("length", [LONGEST_BODY - 1, LONGEST_BODY, LONGEST_BODY + 1, 10 * LONGEST_BODY])
@pytest.mark.parametrize("pieces", [0, 10_000])
def test_a_body_is_cut_at_64_kib(length: int, pieces: int) -> None:
    reply, parser = parse(sized(b"x" * length), pieces)
    assert reply is not None
    assert len(reply.body) == min(length, LONGEST_BODY)
    assert parser.reusable is (length < LONGEST_BODY)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_packed_body_is_cut_at_64_kib_too(coding: str) -> None:
    flood = bytes(20_000_000)
    packed = gzip.compress(flood) if coding == "gzip" else zlib.compress(flood)
    reply, _ = parse(sized(packed, b"Content-Encoding: " + coding.encode()))
    assert reply is not None
    assert reply.body == bytes(LONGEST_BODY)


FRAGMENTS = st.sampled_from(
    [
        *(HEAD, WHOLE, CHUNKED, OK, b"\r\n", b"\n", b": ", b"0\r\n\r\n", b"b\r\n"),
        *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 101 X\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n"),
        *(b"Content-Length: 11\r\n", b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: gzip, chunked\r\n"),
        *(b"Connection: close\r\n", b"Retry-After: 7\r\n"),
    ]
)


@settings(deadline=None, max_examples=500)
@given(st.lists(st.one_of(FRAGMENTS, st.binary(max_size=20)), max_size=12).map(b"".join), st.integers(1, 50))
def test_whatever_comes_is_a_reply_or_malformed_and_the_pieces_do_not_matter(data: bytes, pieces: int) -> None:
    def outcome(size: int) -> Reply | None:
        try:
            return parse(data, size)[0]
        except MalformedReply:
            return None

    # Later bytes may be malformed in the same piece as a whole reply, never the other way round.
    assert outcome(0) == outcome(pieces) == outcome(1)
