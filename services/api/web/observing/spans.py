"""The span of a request. Nothing but the route, the status and ids: paths and queries may hold a phone."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from services.api.web.context import REQUEST_ID, ids_in
from services.api.web.middleware import path_template
from services.api.web.route import PREFIX
from shared import tracing
from shared.tracing import SpanTools, TraceSpan

SPAN = web.RequestKey[TraceSpan]("span")


def traceparent_of(request: web.Request) -> str | None:
    """Returns the context that what follows from a request belongs to; None where it is not traced."""
    return request[SPAN].traceparent if SPAN in request else None


def trace_requests(tools: SpanTools) -> Middleware:
    """Makes the middleware that has a span for each request to the API, in the trace of its caller if it has one."""

    @web.middleware
    async def trace(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = path_template(request)
        if not path.startswith(PREFIX):
            return await handler(request)
        attributes = {"http.request.method": request.method, "http.route": path, "url.scheme": request.scheme}
        caller = request.headers.get(tracing.HEADER)
        span = request[SPAN] = tools.begin(f"{request.method} {path}", "server", parent=caller, attributes=attributes)
        ids = {f"herald.{name}": number for name, number in ids_in(request.match_info).items()}
        try:
            response = await handler(request)
        except BaseException as error:
            span.end(ids, error="abandoned" if isinstance(error, asyncio.CancelledError) else type(error).__name__)
            raise
        status = response.status
        answered: dict[str, str | int] = {
            **ids,
            "http.response.status_code": status,
            "herald.request_id": request[REQUEST_ID],
        }
        span.end(answered, error=str(status) if status >= 500 else None)
        return response

    return trace
