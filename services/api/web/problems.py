"""Problems as RFC 9457 defines them: raised where the cause is known, encoded in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import orjson
from aiohttp import web

from services.api.web.problem_kinds import BY_STATUS, KINDS, ProblemCode, address_of

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 2
# Enough to correct a body: a list of 1,000 wrong entries does not need as many errors.
MAX_ERRORS = 100


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """One wrong value. `loc` begins with its place: body, query or header."""

    loc: tuple[str | int, ...]
    msg: str


class HttpProblem(Exception):
    """A request fails with a problem of this kind. `detail` is a sentence for the caller, and holds no secrets.

    `status` is given for those that aiohttp raises itself, and that have no kind of their own. `members` are further
    members of the answer.
    """

    def __init__(
        self,
        code: ProblemCode,
        detail: str | None = None,
        *,
        status: int | None = None,
        errors: Sequence[InvalidValue] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status or KINDS[code].status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def invalid(*errors: InvalidValue) -> HttpProblem:
    return HttpProblem("values-invalid", "The request contains values that are not allowed.", errors=errors)


def not_found(what: str) -> HttpProblem:
    return HttpProblem("not-found", f"There is no such {what}.")


def conflict(detail: str, *, code: ProblemCode = "state-conflict", retry_after: int | None = None) -> HttpProblem:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return HttpProblem(code, detail, headers=headers)


def unauthorized(code: Literal["token-missing", "token-refused"], detail: str) -> HttpProblem:
    return HttpProblem(code, detail, headers={"WWW-Authenticate": 'Bearer realm="herald"'})


def unavailable() -> HttpProblem:
    detail = "The database is unavailable. Nothing is lost; try again."
    return HttpProblem("database-unavailable", detail, headers={"Retry-After": str(RETRY_SECONDS)})


def too_slow() -> HttpProblem:
    detail = "The database took too long to answer. Request less, or try again later."
    return HttpProblem("database-slow", detail, headers={"Retry-After": str(RETRY_SECONDS)})


def unconfirmed() -> HttpProblem:
    detail = (
        "The change is stored, but it could not be confirmed that no message starts under the old terms. "
        "Send the request again."
    )
    return HttpProblem("edit-unconfirmed", detail, headers={"Retry-After": str(RETRY_SECONDS)})


def took_too_long(seconds: float) -> HttpProblem:
    detail = f"The request took over {seconds:g} s and was stopped. Check whether it took effect before you repeat it."
    return HttpProblem("request-too-slow", detail, headers={"Retry-After": str(RETRY_SECONDS)})


def from_http(error: web.HTTPException) -> HttpProblem:
    """Turns an exception of aiohttp (404, 405, 413) into a problem. A 405 keeps its Allow header."""
    kept = {name: error.headers[name] for name in ("Allow", "Location") if name in error.headers}
    return HttpProblem(BY_STATUS.get(error.status, "malformed-request"), status=error.status, headers=kept)


def answer(problem: HttpProblem) -> web.Response:
    """Encodes a problem as application/problem+json."""
    body: dict[str, object] = {
        "type": address_of(problem.code),
        "code": problem.code,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
    }
    if problem.detail is not None:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = [{"loc": error.loc, "msg": error.msg} for error in problem.errors[:MAX_ERRORS]]
    body |= problem.members
    return web.Response(
        body=orjson.dumps(body), status=problem.status, headers=problem.headers, content_type=PROBLEM_JSON
    )
