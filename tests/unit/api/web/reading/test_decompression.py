"""Bodies are decompressed whole or refused, and never grow without bound."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.web.reading.decompression import MOST_RATIO, PIECE, Decompressor, Inflated, Undecodable, is_accepted

TEXT = b"".join(b"7999%07d,tag %d\n" % (number, number * 7919 % 1000) for number in range(20_000))


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def decompress(encoding: str, data: bytes, size: int = 1000) -> bytes:
    decompressor = Decompressor(encoding)
    pieces = [piece for start in range(0, len(data), size) for piece in decompressor.feed(data[start : start + size])]
    decompressor.end()
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
@pytest.mark.parametrize("size", [1, 13, 70_000, 10_000_000])
def test_what_is_complete_is_decompressed(encoding: str, data: bytes, size: int) -> None:
    assert decompress(encoding, data, size) == TEXT


def test_an_empty_body_is_empty() -> None:
    assert decompress("gzip", b"") == b""


@given(st.binary(max_size=2000), st.integers(1, 3000))
def test_it_does_not_matter_how_a_body_is_cut(data: bytes, size: int) -> None:
    assert decompress("gzip", gzip.compress(data), size) == data


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("kept", [0.001, 0.5, 0.999])
def test_what_ends_early_is_refused(encoding: str, kept: float) -> None:
    whole = gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT)
    with pytest.raises(Undecodable, match="ends early"):
        decompress(encoding, whole[: max(int(len(whole) * kept), 1)])


@pytest.mark.parametrize("size", [1, 10_000_000])
@pytest.mark.parametrize("tail", [b"x", b"\x00", b"\x1fx"])
def test_what_follows_the_end_is_refused(tail: bytes, size: int) -> None:
    for encoding, whole in (("gzip", gzip.compress(TEXT)), ("deflate", zlib.compress(TEXT))):
        with pytest.raises(Undecodable):
            decompress(encoding, whole + tail, size)


@pytest.mark.parametrize("data", [b"x", b"nonsense", TEXT])
def test_what_is_not_compressed_is_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        decompress("gzip", data)


def test_a_checksum_that_is_wrong_is_refused() -> None:
    whole = bytearray(gzip.compress(TEXT))
    whole[-8] ^= 1
    with pytest.raises(Undecodable):
        decompress("gzip", bytes(whole))


def test_what_grows_too_much_is_refused_before_it_is_made() -> None:
    bomb = gzip.compress(b"\n" * 300_000_000)
    made = 0

    def inflate() -> None:
        nonlocal made
        for piece in Decompressor("gzip").feed(bomb):
            made += len(piece)

    with pytest.raises(Inflated):
        inflate()
    assert made <= max(MOST_RATIO * len(bomb), 1024 * 1024) + PIECE


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "foo", "gzip, gzip", "identity"])
def test_other_encodings_are_not_accepted(encoding: str) -> None:
    assert not is_accepted(encoding)
