"""Wraps every handler: sets the id of the request, writes its log line, measures it, and turns errors into problems."""

import asyncio
import re
import time
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler
from structlog.contextvars import bind_contextvars

from services.api.web import problems
from services.api.web.context import LOG_FIELDS, METRICS, REQUEST_ID, ids_in
from services.api.web.database import DATABASE_AWAY, TOO_SLOW
from services.api.web.negotiation import EVENT_STREAM
from services.api.web.observing.request_log import name_errors
from services.api.web.problems import HttpProblem
from services.api.web.server import MALFORMED, UNSPOKEN
from shared import logs

# The names of all fields of bodies and queries, collected from the route table: the log may name them.
FIELD_NAMES = web.AppKey[frozenset[str]]("field_names")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(header: str | None) -> str:
    """Returns the caller's id if it is fit for logs, else a new one."""
    return header if header is not None and _REQUEST_ID.fullmatch(header) else uuid4().hex


def path_template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Binds the ids to every log line of the request, and logs the request when it was answered."""
    begun = time.perf_counter()
    request[REQUEST_ID] = request_id(request.headers.get("X-Request-ID"))
    request[LOG_FIELDS] = {}
    bind_contextvars(request_id=request[REQUEST_ID], **ids_in(request.match_info))
    try:
        response = await handler(request)
    except asyncio.CancelledError:
        logs.get().info("request abandoned", method=request.method, path=path_template(request), **request[LOG_FIELDS])
        raise
    seconds, path = time.perf_counter() - begun, path_template(request)
    logs.get().info(
        "request answered",
        method=request.method,
        path=path,
        status=response.status,
        duration_ms=round(seconds * 1000, 1),
        **request[LOG_FIELDS],
    )
    request.app[METRICS].record_request(request.method, path, response.status, seconds)
    return response


def _refused(request: web.Request, problem: HttpProblem) -> web.Response:
    if problem.detail is not None:
        request[LOG_FIELDS]["reason"] = problem.detail
    if problem.errors:
        request[LOG_FIELDS]["errors"] = name_errors(problem.errors, request.app[FIELD_NAMES])
    return problems.answer(problem)


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns errors of handlers into problems: an outage of the database is a 503, an unexpected error a 500."""
    try:
        return _refused(request, MALFORMED) if request.get(UNSPOKEN) else await handler(request)
    except HttpProblem as problem:
        return _refused(request, problem)
    except web.HTTPException as error:
        return _refused(request, problems.from_http(error))
    except TOO_SLOW:
        return _refused(request, problems.too_slow())
    except DATABASE_AWAY as error:
        logs.get().warning("database unavailable", kind=type(error).__name__)
        return _refused(request, problems.unavailable())
    except Exception as error:
        logs.get().error("request failed", kind=type(error).__name__, exc_info=error)
        return problems.answer(HttpProblem("internal-error"))


async def stamp(request: web.Request, response: web.StreamResponse) -> None:
    """Adds headers to every answer, streams included: the request id, no sniffing of types, and no caching."""
    response.headers["X-Request-ID"] = request.get(REQUEST_ID) or request_id(None)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.content_type != EVENT_STREAM:
        response.headers["Vary"] = "Accept, Accept-Encoding"
