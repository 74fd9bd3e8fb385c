"""The HTTP server of the API: what cannot be parsed as HTTP is answered with a problem, too."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestHandler

from services.api.web import problems
from services.api.web.problems import HttpProblem
from shared import logs

MALFORMED = HttpProblem("malformed-request", "The request is not valid HTTP.")
# The first line of a request named another version of HTTP than those that this server speaks.
UNSPOKEN = web.RequestKey("unspoken", bool)
HEAD_TOO_LARGE = HttpProblem("head-too-large", "The request line or a header is too long.")


class ProblemProtocol(RequestHandler):
    """The protocol of one connection. aiohttp calls it for requests that no middleware sees."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers with a problem and closes the connection. Never echoes or logs what was received."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        request_id = uuid4().hex
        problem = HttpProblem("internal-error")
        if isinstance(exc, HttpProcessingError) and status < web.HTTPInternalServerError.status_code:
            problem = HEAD_TOO_LARGE if isinstance(exc, LineTooLong) else MALFORMED
            logs.get().info("request malformed", status=problem.status, request_id=request_id)
        else:
            logs.get().error("request failed", kind=type(exc).__name__, request_id=request_id, exc_info=exc)
        response = problems.answer(problem)
        response.headers["X-Request-ID"] = request_id
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.force_close()
        return response


class ProblemServer(web.Server):
    """Makes a ProblemProtocol for each connection."""

    def __call__(self) -> RequestHandler:
        return ProblemProtocol(self, loop=self._loop, **self._kwargs)


class ProblemRunner(web.AppRunner):
    """Runs an application in a ProblemServer."""

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return ProblemServer(
            plain.request_handler,
            request_factory=_named_versions(plain.request_factory),
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,
            **plain._kwargs,
        )


def _named_versions(make: Callable[..., web.BaseRequest]) -> Callable[..., web.BaseRequest]:
    """Marks requests of a version that is not spoken, which aiohttp would answer under that version."""

    def make_request(message: Any, *rest: Any) -> web.BaseRequest:
        spoken = message.version in {HttpVersion10, HttpVersion11}
        request = make(message if spoken else message._replace(version=HttpVersion10, should_close=True), *rest)
        request[UNSPOKEN] = not spoken
        return request

    return make_request
