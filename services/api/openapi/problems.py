"""Describes the problems that an operation can answer with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from services.api.openapi.headers import ALWAYS, RATES, SOMETIMES, named
from services.api.web.operation import Operation
from services.api.web.problem_kinds import ProblemCode, address_of
from services.api.web.problems import PROBLEM_JSON
from services.api.web.route import Route
from shared.statuses import ROLES

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusProblem:
    """The description of a status. `code` and `detail` are those of an example."""

    code: ProblemCode
    description: str
    detail: str
    headers: tuple[str, ...] = ()
    errors: tuple[Json, ...] = ()


STATUSES: Mapping[int, StatusProblem] = {
    400: StatusProblem(
        "malformed-body",
        "The body is malformed, or not JSON in UTF-8.",
        "The body is invalid: an object has the same key twice.",
    ),
    401: StatusProblem(
        "token-missing",
        "The token is missing, unknown, expired or revoked.",
        "Send a token: Authorization: Bearer TOKEN.",
        ("WWW-Authenticate",),
    ),
    403: StatusProblem(
        "role-insufficient", "The token's role is not sufficient.", "This needs a token with the role operator."
    ),
    404: StatusProblem("not-found", "It does not exist, or no longer exists.", "There is no such client."),
    408: StatusProblem("body-late", "The body did not arrive in time.", "The body did not arrive in time."),
    409: StatusProblem(
        "phone-taken",
        "The present state does not allow it.",
        "Another client has this phone.",
        ("Retry-After" + SOMETIMES,),
    ),
    412: StatusProblem(
        "changed-meanwhile",
        "If-Match names another version than the present one.",
        "It was changed meanwhile. Show it again before you change it.",
    ),
    413: StatusProblem(
        "body-too-large",
        "The body, or what it decompresses to, is too large.",
        "The body may have 1048576 bytes at most, counted after decompression.",
    ),
    415: StatusProblem(
        "media-type-unsupported",
        "The body has another media type, or is not in UTF-8.",
        "Send the body as application/json, in UTF-8.",
        ("Accept",),
    ),
    422: StatusProblem(
        "values-invalid",
        "The request contains values or parameters that are not allowed.",
        "The request contains values that are not allowed.",
        errors=({"loc": ["query", "limit"], "msg": "must be at most 1000"},),
    ),
    429: StatusProblem(
        "rate-exceeded",
        "The token sent too many requests, or too many wrong tokens came from the address.",
        "This token sent too many requests.",
        ("Retry-After",),
    ),
    431: StatusProblem(
        "head-too-large",
        "The request line is too long: a parameter may be as long as its schema says only where few of its characters "
        "must be escaped.",
        "The request line or a header is too long.",
    ),
    503: StatusProblem(
        "database-unavailable",
        "The database is unavailable or too slow.",
        "The database is unavailable. Nothing is lost; try again.",
        ("Retry-After",),
    ),
}
WITH_BODY = (400, 408, 413, 415)


def of(route: Route, operation: Operation) -> Iterator[tuple[int, str]]:
    """Yields the problems of an operation: their statuses and descriptions."""
    found = {401, 422, 429, 503} | set(operation.errors)
    found |= set(WITH_BODY) if operation.body else set()
    found |= {404} if "{" in route.path else set()
    found |= {412} if operation.versioned else set()
    found |= {431} if operation.long_query else set()
    found |= {403} if route.role != ROLES[0] else set()
    for status in sorted(found - operation.never):
        yield status, operation.errors.get(status, STATUSES[status].description)


def response(status: int, description: str, schema: Json) -> Json:
    kind = STATUSES[status]
    return {
        "description": description,
        "headers": named((*ALWAYS, *(() if status == 401 else RATES), *kind.headers)),
        "content": {PROBLEM_JSON: {"schema": schema, "example": example(status)}},
    }


def example(status: int) -> Json:
    kind = STATUSES[status]
    errors = {"errors": list(kind.errors)} if kind.errors else {}
    title = HTTPStatus(status).phrase
    type_ = address_of(kind.code)
    return {"type": type_, "code": kind.code, "title": title, "status": status, "detail": kind.detail, **errors}
