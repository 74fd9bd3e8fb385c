"""An import is cut into lines in bounded memory, and each line becomes a client or a reason."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.clients.import_.lines import MAX_LINE, BadHeader, BadLine, CsvReader, Line, LineSplitter, NdjsonReader

ZONES = frozenset({"UTC", "Asia/Tokyo"})


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
        ([b"\n\n a \n\n"], [(3, b" a ")]),
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


def csv_client(header: bytes, line: bytes) -> dict[str, Any]:
    reader = CsvReader(ZONES)
    assert reader.read(Line(1, header)) is None
    client = reader.read(Line(2, line))
    assert client is not None
    return client.model_dump(exclude_unset=True)


ALL = b"phone,operator_code,tag,timezone"


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        (b"phone", b"79990000001", {"phone": "79990000001"}),
        (b"tag,phone", b"vip,79990000001", {"phone": "79990000001", "tag": "vip"}),
        (b" Phone , TAG ", b"79990000001,", {"phone": "79990000001", "tag": ""}),
        (ALL, b"79990000001,,,", {"phone": "79990000001", "tag": ""}),
        (
            ALL,
            b'"79990000001","123","a ""b"", c",Asia/Tokyo',
            {"phone": "79990000001", "operator_code": "123", "tag": 'a "b", c', "timezone": "Asia/Tokyo"},
        ),
    ],
)
def test_a_csv_line_is_read(header: bytes, line: bytes, expected: dict[str, Any]) -> None:
    assert csv_client(header, line) == expected


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"", "values"),
        (b"79990000001", "it has 1 values where the header names 4"),
        (b"79990000001,,,,", "it has 5 values where the header names 4"),
        (b"1,,,", "phone: "),
        (b",,,", "phone: Field required"),
        (b"79990000001,99,,", "operator_code: "),
        (b"79990000001,,a\x00b,", "tag: must not contain control characters"),
        (b"79990000001,,,Mars/Phobos", "timezone: must be an IANA time zone"),
        (b'79990000001,,"open,', "it cannot be read as CSV"),
        (b'79990000001,,"a"b,', "it cannot be read as CSV"),
        (b"79990000001,,\xff,", "it is not UTF-8"),
        (None, "it is longer than"),
    ],
)
def test_a_bad_csv_line_has_a_reason(line: bytes | None, detail: str) -> None:
    reader = CsvReader(ZONES)
    reader.read(Line(1, ALL))
    with pytest.raises(BadLine) as bad:
        reader.read(Line(2, line))
    assert detail in str(bad.value)


@pytest.mark.parametrize("header", [b"", b"tag", b"phone,phone", b"phone,name", b"phone;tag", b'"phone', b"\xff", None])
def test_a_header_must_name_the_columns(header: bytes | None) -> None:
    with pytest.raises(BadHeader):
        CsvReader(ZONES).read(Line(1, header))


def test_a_csv_without_a_line_has_no_header() -> None:
    with pytest.raises(BadHeader):
        CsvReader(ZONES).end()


def test_an_ndjson_line_is_read() -> None:
    client = NdjsonReader(ZONES).read(Line(1, b'{"phone": "79990000001", "tag": "vip"}'))
    assert client.model_dump(exclude_unset=True) == {"phone": "79990000001", "tag": "vip"}


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"{", "cannot be read as JSON"),
        (b"[]", "object"),
        (b'{"phone": 79990000001}', "phone: Input should be a valid string"),
        (b'{"phone": "79990000001", "name": 1}', "name: Extra inputs are not permitted"),
        (b'{"phone": "79990000001", "tag": null}', "tag: "),
        (b'{"phone": "1", "phone": "2"}', "an object has the same key twice"),
        (b"\xff", "it is not UTF-8"),
        (b"[" * 10_000, "it is nested too deeply"),
        (None, "it is longer than"),
    ],
)
def test_a_bad_ndjson_line_has_a_reason(line: bytes | None, detail: str) -> None:
    with pytest.raises(BadLine) as bad:
        NdjsonReader(ZONES).read(Line(1, line))
    assert detail in str(bad.value)
