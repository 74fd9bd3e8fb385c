"""An import is split into lines in bounded memory."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.clients.import_.lines import MAX_LINE, LineSplitter


def cut(*chunks: bytes) -> list[tuple[int, bytes | None]]:
    lines = LineSplitter()
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    return [(line.number, line.raw) for line in (*found, *lines.end())]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        ([b""], []),
        ([b"a"], [(1, b"a")]),
        ([b"a\n"], [(1, b"a")]),
        ([b"a\nb"], [(1, b"a"), (2, b"b")]),
        ([b"a\r\nb\r\n"], [(1, b"a"), (2, b"b")]),
        ([b"a\r", b"\nb"], [(1, b"a"), (2, b"b")]),
        ([b"\n\r\n a \n\n"], [(3, b" a ")]),
        ([b"\xef\xbb\xbfa\n\xef\xbb\xbfb"], [(1, b"a"), (2, b"\xef\xbb\xbfb")]),
        ([b"x" * (MAX_LINE + 1) + b"\nb"], [(1, None), (2, b"b")]),
        ([b"x" * MAX_LINE, b"x" * MAX_LINE, b"x\nb"], [(1, None), (2, b"b")]),
        ([b"a\n", b"x" * MAX_LINE + b"x"], [(1, b"a"), (2, None)]),
        ([b"x" * MAX_LINE + b"\n"], [(1, b"x" * MAX_LINE)]),
    ],
)
def test_chunks_are_cut_into_numbered_lines(chunks: list[bytes], expected: list[tuple[int, bytes | None]]) -> None:
    assert cut(*chunks) == expected


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_it_does_not_matter_how_a_body_is_chunked(body: bytes, places: list[int]) -> None:
    edges = [0, *sorted(place for place in places if place <= len(body)), len(body)]
    chunks = [body[start:end] for start, end in itertools.pairwise(edges)]
    assert cut(*chunks) == cut(body)


def test_an_endless_line_takes_no_memory() -> None:
    lines = LineSplitter()
    for _ in range(1000):
        assert list(lines.feed(b"x" * MAX_LINE)) == []
        assert len(lines._rest) <= MAX_LINE


def test_blank_lines_are_kept_within_quotes() -> None:
    lines = LineSplitter()
    lines.keep_blank = True
    assert [line.raw for line in lines.feed(b"a\n\n\r\nb\n")] == [b"a", b"", b"", b"b"]
