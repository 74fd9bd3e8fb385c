"""Every field of a client, right and wrong in every way."""

import json
from typing import Any

import pytest

from services.api.clients.schemas import ClientNew, ClientPatch
from services.api.web.bodies import BodyModel
from services.api.web.problems import HttpProblem
from services.api.web.reading.parsing import parse_body
from tests.unit.api.bodies import UNKNOWN_FIELDS, WRONG_TYPES, ZONES, errors

CLIENT: dict[str, Any] = {"phone": "79991234567"}

CLIENT_VALUES = [
    # field, right, wrong
    (
        "phone",
        ["79991234567", "70000000000"],
        [
            "",
            "7999123456",
            "799912345678",
            "89991234567",
            "+79991234567",
            "7999123456a",
            "79991234567\n",
            "7٩991234567",
        ],
    ),
    ("operator_code", ["999", "000"], ["", "99", "9999", "abc", "99 ", "٩٩٩"]),
    ("tag", ["", "vip", "x" * 64, "два слова", "👍🏽", "a\u00a0b"], ["x" * 65, "a\nb", "a\tb", "\x00", "\x7f", "\x85"]),
    (
        "timezone",
        ["UTC", "Europe/Moscow"],
        ["", "utc", "Mars/Phobos", "../etc/passwd", "+03:00", "UTC\x00", "U" * 10_000],
    ),
]


@pytest.mark.parametrize("kind", [ClientNew, ClientPatch])
@pytest.mark.parametrize(("field", "right", "wrong"), CLIENT_VALUES, ids=[row[0] for row in CLIENT_VALUES])
def test_fields_of_a_client(kind: type[BodyModel], field: str, right: list[str], wrong: list[str]) -> None:
    for value in right:
        assert errors(kind, {**CLIENT, field: value}) == [], value
    for value in [*wrong, *WRONG_TYPES]:
        assert errors(kind, {**CLIENT, field: value}) == [(field,)], value


def test_messages_do_not_repeat_the_value() -> None:
    body = json.dumps({"phone": "79991234567890", "tag": "secret\x00", "timezone": "secret"}).encode()
    with pytest.raises(HttpProblem) as refused:
        parse_body(ClientNew, body, ZONES)
    assert len(refused.value.errors) == 3
    for error in refused.value.errors:
        assert "secret" not in error.msg
        assert "7999" not in error.msg


@pytest.mark.parametrize(("kind", "required"), [(ClientNew, {"phone"}), (ClientPatch, set())])
def test_what_is_required(kind: type[BodyModel], required: set[str]) -> None:
    assert {loc[0] for loc in errors(kind, {})} == required


@pytest.mark.parametrize("kind", [ClientNew, ClientPatch])
@pytest.mark.parametrize("name", UNKNOWN_FIELDS)
def test_unknown_fields_are_refused(kind: type[BodyModel], name: str) -> None:
    assert errors(kind, {**CLIENT, name: 1}) == [(name,)]
