"""The OpenAPI document describes every route and every value, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import web
from openapi_spec_validator import validate
from pydantic import BaseModel

from services.api.clients.schemas import ClientNew, ClientPatch
from services.api.console import routes as console
from services.api.console.files import served
from services.api.mailings.schemas import MailingNew, MailingPatch
from services.api.openapi.document import build, text
from services.api.openapi.operations import OPERATIONS, TAGS
from services.api.pages.files import MEDIA
from services.api.pages.routes import REDIRECTS
from services.api.routes import ROUTES
from services.api.sign_in.handlers import CALLBACK
from services.api.web.operation import Content, Operation
from services.api.web.problem_kinds import PAGE
from services.api.web.reading.parsing import parse_body
from services.api.web.route import Route
from tests.integration.api.fakes import an_app

COMMITTED = Path(__file__).parents[4] / "docs" / "openapi.json"
ZONES = frozenset({"UTC", "Europe/Moscow"})
DOCUMENT = build(ROUTES)


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_committed_document_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text(DOCUMENT), "run `make openapi`"


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_is_documented() -> None:
    missing = [f"{route.method} {route.path}" for route in ROUTES if route.handler not in OPERATIONS]
    assert not missing, "these need a row in the api_docs of their features"


def test_a_route_that_nobody_documented_yet_still_has_a_valid_entry() -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response()

    document = build((*ROUTES, Route("GET", "/things/{thing_id:[0-9]{1,19}}", handler, "admin", "Show a thing")))
    validate(document)
    entry = document["paths"]["/api/v1/things/{thing_id}"]["get"]
    assert (entry["summary"], entry["tags"], entry["parameters"][0]["name"]) == ("Show a thing", ["things"], "thing_id")


def test_every_row_belongs_to_a_route() -> None:
    assert set(OPERATIONS) == {route.handler for route in ROUTES}


def test_the_router_and_the_document_agree() -> None:
    routed = {(route.method, _canonical(route)) for route in an_app().router.routes()}
    documented = {(method.upper(), path) for method, path, _ in operations()}
    # Parts of pages, and ways to them: no interface of their own.
    parts = {("GET", f"/docs/{name}") for name in MEDIA} | {
        ("GET", path) for path in {**REDIRECTS, **console.REDIRECTS, PAGE: ""}
    }
    parts |= {("GET", f"/console/{path}") for path in served()}
    parts |= {("GET", "/sign-in"), ("GET", "/sign-in/options"), ("GET", CALLBACK), ("POST", "/sign-out")}
    # What providers send, each in its own way.
    parts |= {(method, "/receipts/{provider}/{token}") for method in ("GET", "POST")}
    assert {pair for pair in routed if pair[0] not in {"HEAD", "OPTIONS"}} == documented | parts
    # What comes with a GET is not documented apart.
    assert {path for method, path in routed if method == "HEAD"} <= {path for method, path in routed if method == "GET"}


def _canonical(route: Any) -> str:
    assert route.resource is not None
    return str(route.resource.canonical)


def test_every_operation_is_complete() -> None:
    for method, path, operation in operations():
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"].split("\n")[0].endswith("."), where
        assert operation["tags"][0] in TAGS, where
        for status, reply in operation["responses"].items():
            assert "X-Request-ID" in reply["headers"], (where, status)
            assert reply["description"].endswith("."), (where, status)


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)


def contents() -> Iterator[tuple[Operation, Content]]:
    for operation in OPERATIONS.values():
        yield from ((operation, content) for content in operation.body)
        yield from ((operation, content) for reply in operation.replies.values() for content in reply.contents)


def test_everything_sent_and_answered_has_an_example_that_its_schema_allows() -> None:
    for operation, content in contents():
        assert content.examples, operation.id
        for example in content.examples.values():
            if isinstance(content.shape, type):
                content.shape.model_validate_json(json.dumps(example.value), context={"zones": ZONES})
            else:
                assert jsonschema_rs.is_valid(content.shape, example.value), operation.id


def test_an_answer_in_an_example_holds_every_field() -> None:
    for operation in OPERATIONS.values():
        for reply in operation.replies.values():
            for content in reply.contents:
                if isinstance(content.shape, type):
                    _validate(content.shape.__name__, next(iter(content.examples.values())).value)


def _validate(name: str, value: Any) -> None:
    checker(name).validate(value)


def checker(name: str) -> Any:
    """Checks against a schema of the document, with the patterns of ECMAScript as JSON Schema has them."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema_rs.validator_for(schema, validate_formats=False)


CLIENT = {"phone": "79991234567"}
MAILING = {"text": "Hello", "end_at": "2035-01-01T00:00:00Z", "filter": {}}
MOMENTS = [
    "2035-01-01T00:00:00Z",
    "2035-01-01t00:00z",
    "1970-01-01T00:00:00+00:00",
    "9998-12-31T23:59:59.999999999Z",
    "9999-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "2035-01-01T00:00:00",
    "2035-01-01 00:00:00Z",
    "2035-01-01",
    "2035-13-01T00:00:00Z",
    "2035-01-32T00:00:00Z",
    "2035-01-01T24:00:00Z",
    "2035-01-01T00:00:60Z",
    "2035-01-01T00:00:00+24:00",
    "2035-01-01T00:00:00+05:60",
    "2035-01-01T00:00:00+0300",
    "2035-01-01T00:00:00+03",
    "2035-01-01T00:00:00Z\n",
    0,
    None,
]
TEXTS: list[Any] = [
    "",
    "a",
    "a\nb\r\n",
    "a\tb",
    "\x00",
    "\x7f",
    "\x85",
    "\xa0",
    " \n",
    "\u200b",
    "\ufeff",
    "\u3164",
    "x \u200b",
    "é👍",
    "x" * 64,
    "x" * 65,
    "x" * 2001,
]
CODES: list[Any] = ["916", "91", "9161", "91a", "९१६", "916\n", 916, None]
PHONES: list[Any] = ["79991234567", "7999123456", "89991234567", "+79991234567", "79991234567\n", 79991234567, None]
CLOCKS: list[Any] = [
    None,
    {"from": "09:00", "to": "21:00"},
    {"from": "9:00", "to": "21:00"},
    {"from": "09:00", "to": "24:00"},
    {"from": "09:00"},
    {},
    "09:00-21:00",
]
LISTS: list[Any] = [[], ["916"], ["916"] * 1000, ["916"] * 1001, ["91"], "916", None]

VALUES: list[tuple[type[BaseModel], dict[str, Any], str, list[Any]]] = [
    (ClientNew, CLIENT, "phone", PHONES),
    (ClientNew, CLIENT, "operator_code", CODES),
    (ClientNew, CLIENT, "tag", TEXTS),
    (ClientNew, CLIENT, "timezone", ["UTC", "Europe/Moscow", "", "x" * 65, 3, None]),
    (ClientNew, CLIENT, "id", [1]),
    (ClientPatch, {}, "phone", PHONES),
    (ClientPatch, {}, "tag", TEXTS),
    (MailingNew, MAILING, "text", TEXTS),
    (MailingNew, MAILING, "start_at", MOMENTS),
    (MailingNew, MAILING, "end_at", MOMENTS),
    (MailingNew, MAILING, "filter", [{"operator_codes": found} for found in LISTS]),
    (MailingNew, MAILING, "window", CLOCKS),
    (MailingPatch, {}, "end_at", MOMENTS),
    (MailingPatch, {}, "window", CLOCKS),
    (MailingPatch, {}, "filter", [None, {}, {"tags": [""]}, {"tags": None}, {"operators": []}]),
]


@pytest.mark.parametrize(
    ("kind", "rest", "field", "values"), VALUES, ids=[f"{row[0].__name__}-{row[2]}" for row in VALUES]
)
def test_the_schema_allows_what_the_model_takes(
    kind: type[BaseModel], rest: dict[str, Any], field: str, values: list[Any]
) -> None:
    described = checker(kind.__name__)
    for value in values:
        body = {**rest, field: value}
        assert described.is_valid(body) == _is_taken(kind, body), value


def _is_taken(kind: type[BaseModel], body: dict[str, Any]) -> bool:
    try:
        parse_body(kind, json.dumps(body).encode(), ZONES)
    except Exception:
        return False
    return True


def test_no_field_that_may_be_left_out_has_a_default() -> None:
    """Generators of clients take a field with a default for one that is always there."""
    found = {
        (name, field)
        for name, model in DOCUMENT["components"]["schemas"].items()
        for field, schema in model.get("properties", {}).items()
        if "default" in schema
    }
    assert found == set()
