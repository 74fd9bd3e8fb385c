"""Each record of an import becomes a client or a reason, and each line is read once."""

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.clients.import_.csv_files.csv_reader import CsvReader
from services.api.clients.import_.csv_files.dialect import CsvForm
from services.api.clients.import_.csv_files.records import MAX_BREAKS
from services.api.clients.import_.errors import BadHeader, Rejected
from services.api.clients.import_.lines import MAX_LINE, Line
from services.api.clients.import_.readers import LineReader, NdjsonReader
from services.api.clients.schemas import ClientNew

ZONES = frozenset({"UTC", "Asia/Tokyo"})
Found = dict[str, str] | tuple[int, str]


def show(found: ClientNew | Rejected) -> Found:
    return (found.line, found.detail) if isinstance(found, Rejected) else found.model_dump(exclude_unset=True)


def read(reader: LineReader, lines: Iterable[bytes | None]) -> list[Found]:
    found = [show(one) for number, raw in enumerate(lines, 1) for one in reader.read(Line(number, raw))]
    return [*found, *map(show, reader.end())]


def read_csv(*lines: bytes | None, **form: Any) -> list[Found]:
    return read(CsvReader(ZONES, CsvForm("UTC", **form)), lines)


ALL = b"phone,operator_code,tag,timezone"
CLIENT = {"phone": "79990000001"}


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        (b"phone", b"79990000001", CLIENT),
        (b"tag,phone", b"vip,79990000001", CLIENT | {"tag": "vip"}),
        (b" Phone , TAG ", b"79990000001,", CLIENT),
        (ALL, b"79990000001,,,", CLIENT),
        (ALL, b" 79990000001 ,, vip \xc2\xa0,\tUTC", CLIENT | {"tag": "vip", "timezone": "UTC"}),
        (
            ALL,
            b'"79990000001","123","a ""b"", c",Asia/Tokyo',
            CLIENT | {"operator_code": "123", "tag": 'a "b", c', "timezone": "Asia/Tokyo"},
        ),
    ],
)
def test_a_csv_line_is_read(header: bytes, line: bytes, expected: dict[str, str]) -> None:
    assert read_csv(header, line) == [expected]


def test_empty_values_can_clear_what_is_there() -> None:
    cleared = CLIENT | {"operator_code": "999", "tag": "", "timezone": "UTC"}
    assert read_csv(ALL, b"79990000001,,,", on_empty="clear") == [cleared]
    assert read_csv(b"phone,tag", b"79990000001,", on_empty="clear") == [CLIENT | {"tag": ""}]
    assert read_csv(b"phone,tag", b"79990000001,a", on_empty="clear") == [CLIENT | {"tag": "a"}]


@pytest.mark.parametrize("line", [b"", b"  ", b",,,", b" , ,,", b'"","",,', b",", b",,,,,,,"])
def test_blank_lines_and_rows_of_separators_are_no_clients(line: bytes) -> None:
    assert read_csv(ALL, line, b"79990000001,,,", line) == [CLIENT]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"79990000001", "it has 1 value where the header names 4"),
        (b"79990000001;;vip;", "it has 1 value where the header names 4: the values are separated by semicolons"),
        (b"79990000001,,,,", "it has 5 values where the header names 4"),
        (b"1,,,", "phone: "),
        (b",,x,", "phone: is required"),
        (b"79990000001,99,,", "operator_code: "),
        (b"79990000001,,a\x00b,", "tag: must not contain control characters"),
        (b"79990000001,,,Mars/Phobos", "timezone: must be an IANA time zone"),
        (b'79990000001,,"open,', "a quote is not closed"),
        (b'79990000001,,"a"b,', "it cannot be read as CSV"),
        (b"79990000001,,\xff,", "it is not UTF-8"),
        (None, "it is longer than"),
    ],
)
def test_a_bad_csv_line_has_a_reason_and_spoils_no_other(line: bytes | None, detail: str) -> None:
    (number, said), client = read_csv(ALL, line, b"79990000001,,,")
    assert (number, client) == (2, CLIENT)
    assert isinstance(said, str)
    assert detail in said


def test_a_quoted_value_may_hold_line_breaks() -> None:
    note = [b"phone,tag", b'79990000001,"first', b"", b'79990000002,second"', b"79990000003,x"]
    (rejected, after) = read_csv(*note)
    # No tag may have a line break; what matters is that its second half is no client.
    assert rejected == (2, "tag: must not contain control characters")
    assert after == {"phone": "79990000003", "tag": "x"}
    assert read_csv(b'"phone', b'",tag', b"79990000001,x") == [CLIENT | {"tag": "x"}]


@pytest.mark.parametrize("lines_after", [1, MAX_BREAKS, MAX_BREAKS * 3])
def test_a_quote_that_is_never_closed_spoils_its_own_line(lines_after: int) -> None:
    found = read_csv(
        b"phone,tag", b'79990000001,"open', *[b"79990000001"[:-1] + b"%d,x" % (n % 10) for n in range(lines_after)]
    )
    assert found[0] == (2, "a quote is not closed")
    assert len(found) == 1 + lines_after
    assert all(isinstance(one, dict) for one in found[1:])


def test_a_line_too_long_within_quotes_is_given_up() -> None:
    found = read_csv(b"phone,tag", b'79990000001,"open', None, b"79990000001,x")
    assert found == [(2, "a quote is not closed"), (3, f"it is longer than {MAX_LINE} bytes"), CLIENT | {"tag": "x"}]


@given(st.lists(st.sampled_from([b'"', b'""', b"", b"79990000001,x", b'79990000001,"x', b'x"', b",", None, b'a"b'])))
def test_whatever_the_quotes_each_line_is_read_at_most_once(lines: list[bytes | None]) -> None:
    found = read_csv(b"phone,tag", *lines)
    assert len(found) <= len(lines)
    numbers = [one[0] for one in found if isinstance(one, tuple)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (b"tag", "the column phone is missing"),
        (b"phone,phone", "the column phone is named twice"),
        (
            b"phone,name",
            "column 2 (name) is unknown: the columns are phone, operator_code, tag, tags, timezone, external_id, "
            "attributes",
        ),
        (b"phone,79161234567", "column 2 is unknown"),
        (b"phone,\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "column 2 is unknown"),
        (b"phone;tag", "the columns are separated by semicolons"),
        (b"phone\ttag", "the columns are separated by tabs"),
        (b'"phone', "a quote in the first line is not closed"),
        (b'"phone"x', "cannot be read as CSV"),
        (b"\xff", "not UTF-8"),
        (None, "it is longer than"),
    ],
)
def test_a_header_that_is_wrong_says_what_is(header: bytes | None, detail: str) -> None:
    with pytest.raises(BadHeader) as bad:
        read_csv(header, *[b"79990000001"] * 60)
    assert detail in str(bad.value)
    assert "79161234567" not in str(bad.value)


@pytest.mark.parametrize("lines", [[], [b""], [b"", b",,"]])
def test_a_csv_without_a_line_has_no_header(lines: list[bytes]) -> None:
    with pytest.raises(BadHeader):
        read_csv(*lines)


def test_an_ndjson_line_is_read() -> None:
    line = b'{"phone": "79990000001", "tag": " vip\\u200b"}'
    assert read(NdjsonReader(ZONES), [line, b"", b" \r"]) == [{"phone": "79990000001", "tag": "vip"}]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"{", "cannot be read as JSON"),
        (b"[]", "object"),
        (b'{"phone": 79990000001}', "phone: must be a string"),
        (b'{"phone": "79990000001", "name": 1}', "name: is unknown"),
        (b'{"phone": "79990000001", "tag": null}', "tag: "),
        (b'{"phone": "1", "phone": "2"}', "an object has the same key twice"),
        (b"\xff", "it is not UTF-8"),
        (b"[" * 4_000, "it is nested too deeply"),
        (None, "it is longer than"),
    ],
)
def test_a_bad_ndjson_line_has_a_reason(line: bytes | None, detail: str) -> None:
    ((number, said),) = read(NdjsonReader(ZONES), [line])
    assert number == 1
    assert isinstance(said, str)
    assert detail in said


def test_reading_takes_no_more_than_a_few_times_its_length() -> None:
    """Counts how often a record is parsed, by the lines that a hostile file opens again and again."""
    opening = [b'79990000001,"', *[b'""'] * (MAX_BREAKS - 1)]
    lines = [b"phone,tag", *itertools.chain.from_iterable([opening] * 50)]
    assert len(read_csv(*lines)) > 0
