"""Builds the application from the route table."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from services.api.access.rate_limit import limit
from services.api.console import routes as console
from services.api.pages import routes as pages
from services.api.routes import ROUTES
from services.api.statistics import sse
from services.api.web.bodies import BODY_MODEL, MAX_BODY, expect_later
from services.api.web.compression import compress
from services.api.web.context import IDENTITY, QUERY, STATE, State, state_of
from services.api.web.middleware import FIELD_NAMES, answer_problems, authenticate, observe, stamp
from services.api.web.parsing import parse_query
from services.api.web.problems import Problem, given_up
from services.api.web.request_log import field_names
from services.api.web.route import PREFIX, Handler, Route, by_path, methods_of


def build(state: State) -> web.Application:
    middlewares = (observe, compress, answer_problems, authenticate, limit)
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY)
    app[STATE] = state
    app[FIELD_NAMES] = field_names(model for route in ROUTES for model in route.models)
    app[sse.BROADCASTS] = sse.broadcasts(state)
    app.on_shutdown.append(sse.stop)
    app.on_response_prepare.append(stamp)
    for path, routes in by_path(ROUTES).items():
        _add(app.router, PREFIX + path, routes)
    pages.add(app)
    console.add(app)
    return app


def _add(router: web.UrlDispatcher, path: str, routes: Sequence[Route]) -> None:
    """Adds what the table says of one path, and with it HEAD and OPTIONS."""
    for route in routes:
        router.add_route(route.method, path, endpoint(route), expect_handler=expect_later)
        if route.answers_head:
            router.add_route("HEAD", path, endpoint(route))
    router.add_route("OPTIONS", path, options(methods_of(routes)))


def options(methods: Sequence[str]) -> Handler:
    """Returns what a path takes, to whoever has a token."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=204, headers={"Allow": ", ".join(methods)})

    return handle


def endpoint(route: Route) -> Handler:
    """Guards a handler by its row in the table: its role, its query parameters, and its time."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if not request[IDENTITY].may(route.role):
            raise Problem(403, f"This needs a token with the role {route.role}.")
        pairs = {name: request.query.getall(name) for name in request.query}
        request[BODY_MODEL] = route.body
        request[QUERY] = parse_query(route.query, pairs)
        return await (route.handler(request) if route.streams else in_time(request, route.handler))

    return handle


async def in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives up what takes too long, whatever it waits for. Raises a 503 problem."""
    seconds = state_of(request).patience.request
    try:
        async with asyncio.timeout(seconds) as timer:
            return await handler(request)
    except TimeoutError:
        if timer.expired():
            raise given_up(seconds) from None
        raise
