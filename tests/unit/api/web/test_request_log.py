"""What the log holds of a request: no phone, no text and no tag."""

from typing import Any

import pytest

from services.api.clients.schemas import ClientNew, ClientPatch, ClientsQuery
from services.api.dead_letters.schemas import DeadLettersReplay
from services.api.mailings.schemas import MailingNew, MailingPatch
from services.api.web.bodies import BodyModel
from services.api.web.observing.request_log import field_names, name_errors, redact_fields
from services.api.web.problems import InvalidValue

NAMES = field_names((MailingPatch, ClientsQuery))
ZONES = {"zones": frozenset({"Europe/Moscow"})}


@pytest.mark.parametrize(
    ("kind", "body", "logged"),
    [
        (
            ClientNew,
            '{"phone": "79991234567", "operator_code": "999", "tag": "secret-tag", "timezone": "Europe/Moscow"}',
            {"phone": "7999***4567", "operator_code": "999", "tag": {"length": 10}, "timezone": "Europe/Moscow"},
        ),
        # Only what was given.
        (ClientPatch, '{"tag": ""}', {"tag": {"length": 0}}),
        (
            MailingNew,
            '{"text": "secret-text", "end_at": "2030-01-31T18:00:00+03:00",'
            ' "filter": {"operator_codes": ["916"], "tags": ["secret-tag"]}}',
            {"text": {"length": 11}, "filter": {"operator_codes": ["916"], "tags": {"length": 1}}},
        ),
        (MailingPatch, '{"window": null}', {"window": None}),
        (
            MailingPatch,
            '{"window": {"from": "09:00", "to": "21:00"}}',
            {"window": {"opens": "09:00", "closes": "21:00"}},
        ),
        (DeadLettersReplay, '{"all": true, "queue": "planner.dead"}', {"all": True, "queue": "planner.dead"}),
    ],
)
def test_the_fields_of_a_body_are_logged_without_phones_texts_and_tags(
    kind: type[BodyModel], body: str, logged: dict[str, Any]
) -> None:
    found = redact_fields(kind.model_validate_json(body, context=ZONES))
    assert {name: value for name, value in found.items() if name != "end_at"} == logged
    assert "secret" not in repr(found)


def test_long_lists_are_logged_by_their_beginning() -> None:
    codes = [str(100 + n) for n in range(500)]
    logged = redact_fields(MailingPatch.model_validate({"filter": {"operator_codes": codes}}))
    assert logged["filter"] == {"operator_codes": {"first": codes[:10], "length": 500}}


def test_the_query_is_redacted_likewise() -> None:
    logged = redact_fields(ClientsQuery.model_validate({"phone": "79991234567", "tag": "secret-tag", "limit": "5"}))
    assert logged == {"limit": 5, "phone": "7999***4567", "tag": {"length": 10}}


@pytest.mark.parametrize(
    ("loc", "logged"),
    [
        (("body", "filter", "operator_codes", 3), "body.filter.operator_codes.3"),
        (("body", "window", "from"), "body.window.from"),
        (("query", "limit"), "query.limit"),
        # Named by the caller, who may have put anything there.
        (("body", "79991234567"), "body.?"),
        (("query", "token=secret"), "query.?"),
    ],
)
def test_places_of_errors_are_named_but_no_name_that_the_caller_made_up(
    loc: tuple[str | int, ...], logged: str
) -> None:
    assert name_errors([InvalidValue(loc, "is wrong")], NAMES) == [logged]


def test_only_the_first_errors_are_named() -> None:
    assert len(name_errors([InvalidValue(("body", "text"), "is wrong")] * 100, NAMES)) == 5


def test_the_names_of_nested_fields_are_known_as_python_and_as_json_have_them() -> None:
    assert field_names((MailingPatch,)) == {
        *("name", "text", "start_at", "end_at", "filter", "operator_codes", "tags", "unsent_of", "on_missing"),
        *("segment", "all", "all_of", "any", "any_of", "not", "none_of"),
        *("window", "opens", "from", "closes", "to", "days"),
    }
