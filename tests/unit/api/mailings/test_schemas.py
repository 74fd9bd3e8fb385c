"""Every field of a mailing, right and wrong in every way."""

import json
from typing import Any

import pytest

from services.api.mailings.schemas import MailingNew, MailingPatch
from services.api.web.bodies import BodyModel
from services.api.web.reading.parsing import parse_body
from tests.unit.api.bodies import UNKNOWN_FIELDS, WRONG_TYPES, ZONES, errors

MAILING: dict[str, Any] = {"text": "Hello", "end_at": "2030-01-01T00:00:00Z", "filter": {}}


def moments_wrong() -> list[Any]:
    return [
        *WRONG_TYPES,
        1893456000,
        "",
        "tomorrow",
        "1893456000",
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-01-01 00:00:00Z",
        "2030-13-01T00:00:00Z",
        "2030-02-30T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:00:60Z",
        "2030-01-01T00:00:00+24:00",
        "2030-01-01T00:00:00+05:60",
        "2030-01-01T00:00:00+0360",
        "2030-01-01T00:00:00+3",
        "20300101T000000Z",
        "2030-W01-1T00:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
        "infinity",
        "2030-01-01T00:00:00Z\n",
        "٢٠٣٠-01-01T00:00:00Z",
    ]


MOMENTS_RIGHT = [
    "2030-01-01T00:00:00Z",
    "2030-01-01T00:00Z",
    "2030-01-01t00:00:00z",
    "2030-01-01T00:00:00.123456789+03:00",
    "2030-01-01T00:00:00-00:00",
    "2030-01-01T00:00:00+0300",
    "2030-01-01T00:00:00+03",
]

WINDOW = {"from": "09:00", "to": "21:00"}

MAILING_VALUES: list[tuple[str, list[Any], list[Any]]] = [
    (
        "text",
        ["x", "x" * 2000, "one\r\ntwo", "👍" * 2000, " x\u200b"],
        ["", " ", "\n", "\u200b\ufeff", "\u3164", "x" * 2001, "a\tb", "\x00", "\x1b[0m", *WRONG_TYPES],
    ),
    ("start_at", MOMENTS_RIGHT, moments_wrong()),
    ("end_at", MOMENTS_RIGHT, moments_wrong()),
    (
        "filter",
        [{}, {"tags": []}, {"tags": ["", "vip"], "operator_codes": ["999"]}, {"tags": ["x"] * 1000}],
        [None, 1, "vip", [], {"tag": ["vip"]}, {"tags": "vip"}, {"tags": None}, {"tags": ["x"] * 1001}, {"tags": [1]},
         {"tags": ["\x00"]}, {"operator_codes": ["99"]}, {"operator_codes": [999]}],
    ),
    (
        "window",
        [None, WINDOW, {"from": "22:00", "to": "06:00"}, {"from": "00:00", "to": "23:59"}],
        [1, "09:00-21:00", [], {}, {"from": "09:00"}, {"from": "09:00", "to": "09:00"}, {"from": "9:00", "to": "21:00"},
         {"from": "09:00", "to": "24:00"}, {"from": "09:60", "to": "21:00"}, {"from": "09:00:00", "to": "21:00"},
         {"from": None, "to": "21:00"}, {"from": 9, "to": 21},
         {**WINDOW, "zone": "UTC"}, {"opens": "09:00", "closes": "21:00"}],
    ),
]  # fmt: skip


@pytest.mark.parametrize("kind", [MailingNew, MailingPatch])
@pytest.mark.parametrize(("field", "right", "wrong"), MAILING_VALUES, ids=[row[0] for row in MAILING_VALUES])
def test_fields_of_a_mailing(kind: type[BodyModel], field: str, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        assert errors(kind, {**MAILING, field: value}) == [], value
    for value in wrong:
        found = errors(kind, {**MAILING, field: value})
        assert found, value
        assert {loc[0] for loc in found} == {field}, value


def test_a_moment_is_kept_in_utc() -> None:
    body = json.dumps({**MAILING, "start_at": "2030-01-01T00:00:00.5+03:00"}).encode()
    mailing = parse_body(MailingNew, body, ZONES)
    assert mailing.start_at is not None
    assert mailing.start_at.isoformat() == "2029-12-31T21:00:00.500000+00:00"


@pytest.mark.parametrize(("kind", "required"), [(MailingNew, {"text", "end_at", "filter"}), (MailingPatch, set())])
def test_what_is_required(kind: type[BodyModel], required: set[str]) -> None:
    assert {loc[0] for loc in errors(kind, {})} == required


@pytest.mark.parametrize("kind", [MailingNew, MailingPatch])
@pytest.mark.parametrize("name", UNKNOWN_FIELDS)
def test_unknown_fields_are_refused(kind: type[BodyModel], name: str) -> None:
    assert errors(kind, {**MAILING, name: 1}) == [(name,)]
