"""The representation that a caller prefers."""

import pytest

from services.api.web.negotiation import CSV, JSON, NDJSON, choose, takes_gzip


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("text/*", CSV),
        ("text/csv;q=0.9, application/json;q=0.8", CSV),
        ("text/csv;q=0.5, application/json", JSON),
        ("application/*;q=0.1, text/csv;q=0.2", CSV),
        ("text/csv, */*", JSON),
        ("*/*, application/json;q=0.1", CSV),
        ("application/json;q=0, text/csv;q=0.1", CSV),
        ("text/csv;q=nonsense", JSON),
        ("image/png", JSON),
        (";;,,/", JSON),
    ],
)
def test_what_a_caller_wants(accept: str | None, expected: str) -> None:
    assert choose(accept, (JSON, CSV)) == expected


def test_the_first_offer_is_the_default() -> None:
    assert choose("application/json", (CSV, NDJSON)) == CSV


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, br", False),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("gzip;q=nonsense", False),
        ("gzip;q=0.001", True),
    ],
)
def test_who_takes_gzip(header: str | None, expected: bool) -> None:
    assert takes_gzip(header) is expected
