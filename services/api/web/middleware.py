"""Around every handler: the request's id and log line, errors as problems, and who is asking."""

import asyncio
import re
import time
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler
from structlog.contextvars import bind_contextvars

from services.api.access import store as tokens
from services.api.access.authenticate import WrongToken
from services.api.access.rate_limit import count_wrong_token, headers_of
from services.api.access.tokens import Identity
from services.api.web import problems
from services.api.web.context import ALLOWANCE, BODY, IDENTITY, QUERY, REFUSAL, REQUEST_ID, ids_in, state_of
from services.api.web.negotiation import EVENT_STREAM
from services.api.web.outages import AWAY, TOO_SLOW
from services.api.web.problems import Problem
from services.api.web.request_log import tell_errors, tell_fields
from shared import logs

# The index of the API, which is for everybody: it names no more than the document does.
INDEX = "/api/"

# The names of all fields of bodies and queries, collected from the route table: the log may name them.
FIELD_NAMES = web.AppKey[frozenset[str]]("field_names")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(header: str | None) -> str:
    """Takes the caller's id if it is fit for logs, else make one."""
    return header if header is not None and _REQUEST_ID.fullmatch(header) else uuid4().hex


def path_template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Binds the ids for every log line of the request, and writes one when it was answered."""
    begun = time.perf_counter()
    request[REQUEST_ID] = request_id(request.headers.get("X-Request-ID"))
    bind_contextvars(request_id=request[REQUEST_ID], **ids_in(request.match_info))
    try:
        response = await handler(request)
    except asyncio.CancelledError:
        logs.get().info("request given up", method=request.method, path=path_template(request), **told_of(request))
        raise
    seconds, path = time.perf_counter() - begun, path_template(request)
    logs.get().info(
        "request answered",
        method=request.method,
        path=path,
        status=response.status,
        duration_ms=round(seconds * 1000, 1),
        **told_of(request),
    )
    state_of(request).meters.answered(request.method, path, response.status, seconds)
    return response


def told_of(request: web.Request) -> dict[str, object]:
    """What is known of a request: whose token it came with, its fields, and why it was refused."""
    told: dict[str, object] = {}
    if IDENTITY in request:
        told["by"] = request[IDENTITY].name
    if QUERY in request and (query := tell_fields(request[QUERY])):
        told["query"] = query
    if BODY in request:
        told["body"] = request[BODY]
    refusal: dict[str, object] = request.get(REFUSAL) or {}
    return told | refusal


def _refused(request: web.Request, problem: Problem) -> web.Response:
    refusal: dict[str, object] = {} if problem.detail is None else {"detail": problem.detail}
    if problem.errors:
        refusal["errors"] = tell_errors(problem.errors, request.app[FIELD_NAMES])
    request[REFUSAL] = refusal
    return problems.answer(problem)


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns whatever a handler raises into a problem: an outage is a 503, and only the unforeseen a 500."""
    try:
        return await handler(request)
    except Problem as problem:
        return _refused(request, problem)
    except web.HTTPException as error:
        return _refused(request, problems.from_http(error))
    except TOO_SLOW:
        return _refused(request, problems.too_slow())
    except AWAY as error:
        logs.get().warning("database away", kind=type(error).__name__)
        return _refused(request, problems.unavailable())
    except Exception as error:
        logs.get().error("request failed", kind=type(error).__name__, exc_info=error)
        return problems.answer(Problem(500))


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Finds out who is asking, before the body is read, also on paths under /api that do not exist."""
    if request.path.startswith("/api/") and request.path != INDEX:
        state = state_of(request)

        async def lookup(hashed: bytes) -> Identity | None:
            return await tokens.find(state.pool, hashed)

        try:
            request[IDENTITY] = await state.authenticator.identify(request.headers.get("Authorization"), lookup)
        except WrongToken:
            count_wrong_token(request)
            raise problems.unauthorized("The token is unknown, expired or revoked.") from None
    return await handler(request)


async def stamp(request: web.Request, response: web.StreamResponse) -> None:
    """Put on every answer, streams included: the request's id, and that nothing may be guessed, nor kept by default."""
    response.headers["X-Request-ID"] = request.get(REQUEST_ID) or request_id(None)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.content_type != EVENT_STREAM:
        response.headers["Vary"] = "Accept, Accept-Encoding"
    if ALLOWANCE in request:
        response.headers.update(headers_of(request[ALLOWANCE]))
