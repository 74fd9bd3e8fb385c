"""Builds the OpenAPI document from the route table, the models, and the descriptions of the features."""

import json
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from services.api.openapi import headers, problems, schemas
from services.api.openapi.about import DESCRIPTION, PAGES, PublicPage
from services.api.openapi.operations import OPERATIONS, TAGS, bare
from services.api.web.operation import Content, Operation, Success
from services.api.web.responses import Problem
from services.api.web.route import PREFIX, Route

Json = dict[str, Any]
References = schemas.References
SCHEME = "token"
BEARER: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token created with `herald token create`, or HERALD_ADMIN_TOKEN of the installation.",
}
# An id in a path of the route table: {client_id:[0-9]{1,19}}.
_PLACE = re.compile(r"{(\w+):[^{}]*(?:{[^{}]*}[^{}]*)*}")

_EXTERNAL_ID: Json = {
    "name": "external_id",
    "in": "path",
    "required": True,
    "description": "The id of the client in another system, percent-encoded.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[^\s/\x00-\x1f\x7f-\x9f]+$"},
    "example": "K-4711",
}


def build(routes: Iterable[Route]) -> Json:
    """Builds the whole document, as a value that JSON can hold."""
    rows = [(route, operation_of(route)) for route in routes]
    references, found = schemas.components(_models(operation for _, operation in rows))
    paths: Json = {page.path: {"get": _page(page)} for page in PAGES}
    for route, operation in rows:
        paths.setdefault(place(route), {})[route.method.lower()] = _operation(route, operation, references)
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": "/", "description": "This installation."}],
        "security": [{SCHEME: []}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": _linked(paths),
        "components": {"schemas": found, "headers": headers.ANSWERED, "securitySchemes": {SCHEME: BEARER}},
    }


def text(document: Json) -> str:
    """Encodes the document as it is kept in docs/."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _info() -> Json:
    return {
        "title": "Herald",
        "version": version("herald"),
        "summary": "A notification service: mailings to many clients, with the outcome of every message.",
        "description": DESCRIPTION,
        "contact": {"name": "Whoever runs this installation"},
        "license": {"name": "MIT", "identifier": "MIT"},
    }


def operation_of(route: Route) -> Operation:
    return OPERATIONS.get(route.handler) or bare(route.handler, route.path, route.summary)


def place(route: Route) -> str:
    """Returns the path as OpenAPI writes it, without the patterns of its ids."""
    return PREFIX + _PLACE.sub(r"{\1}", route.path)


def _models(operations: Iterable[Operation]) -> Iterable[schemas.Wanted]:
    yield Problem, "serialization"
    for operation in operations:
        yield from ((shape, "validation") for shape in _shapes(operation.body))
        for reply in operation.replies.values():
            yield from ((shape, "serialization") for shape in _shapes(reply.contents))


def _shapes(contents: Iterable[Content]) -> Iterable[type[BaseModel]]:
    return (content.shape for content in contents if isinstance(content.shape, type))


def _operation(route: Route, operation: Operation, references: References) -> Json:
    problem = references[Problem, "serialization"]
    replies = {str(status): _reply(reply, references) for status, reply in operation.replies.items()}
    refusals = {
        str(status): problems.response(status, description, problem)
        for status, description in problems.of(route, operation)
    }
    sent = {"requestBody": _body(operation.body, references)} if operation.body else {}
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": route.summary,
        "description": f"{operation.description}\n\nNeeds a token with the role {route.role}, or a higher one.",
        "security": [{SCHEME: [route.role]}],
        "parameters": _parameters(route, operation),
        **sent,
        "responses": {**replies, **refusals},
    }


def _parameters(route: Route, operation: Operation) -> list[Json]:
    ids = [_id(name) for name in _PLACE.findall(route.path)]
    sent = [headers.parameter(name, found) for name, found in _sent(operation).items()]
    asked = schemas.query_parameters(route.query)
    return [*ids, *(found | _example(operation.query, found["name"]) for found in asked), *sent]


def _example(query: Mapping[str, Any], name: str) -> Json:
    return {"example": query[name]} if name in query else {}


def _id(name: str) -> Json:
    return (
        _EXTERNAL_ID
        if name == "external_id"
        else {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"The id of the {name.removesuffix('_id')}.",
            "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1},
            "example": 1,
        }
    )


def _body(contents: Iterable[Content], references: References) -> Json:
    return {"required": True, "content": _contents(contents, references, "validation")}


def _reply(reply: Success, references: References) -> Json:
    content = {"content": _contents(reply.contents, references, "serialization")} if reply.contents else {}
    named = headers.named((*headers.ALWAYS, *headers.RATES, *reply.headers))
    return {"description": reply.description, "headers": named, **content}


def _contents(contents: Iterable[Content], references: References, mode: schemas.Mode) -> Json:
    return {
        content.media: {
            "schema": references[content.shape, mode] if isinstance(content.shape, type) else content.shape,
            "examples": {
                name: {"summary": example.summary, "value": example.value} for name, example in content.examples.items()
            },
        }
        for content in contents
    }


def _page(page: PublicPage) -> Json:
    content = {page.media: {"schema": page.shape}}
    return {
        "operationId": page.id,
        "tags": ["about"],
        "summary": page.summary,
        "description": page.description,
        "security": [],
        "responses": {
            "200": {"description": f"{page.summary}.", "headers": headers.named(headers.ALWAYS), "content": content}
        },
    }


def _linked(paths: Json) -> Json:
    """Adds links from every operation that creates something to the operations that take its id."""
    for path, methods in paths.items():
        creates = methods.get("post", {}).get("responses", {}).get("201")
        if creates is not None:
            creates["links"] = {
                operation["operationId"]: {
                    "operationId": operation["operationId"],
                    "parameters": {parameter["name"]: "$response.body#/id"},
                }
                for below, others in paths.items()
                if below.startswith(path + "/{")
                for operation in others.values()
                for parameter in operation["parameters"]
                if parameter["in"] == "path"
            }
    return paths


def _sent(operation: Operation) -> dict[str, Json]:
    """Returns the request headers that an operation takes, by name."""
    versions = {"If-Match": headers.IF_MATCH} if operation.versioned else {}
    return {**operation.headers, **versions, **headers.SENT}
