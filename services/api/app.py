"""Builds the application from the route table."""

from aiohttp import web

from services.api import live
from services.api.bodies import MAX_BODY, expect_later
from services.api.errors import Problem
from services.api.middleware import answer_problems, authenticate, observe, stamp
from services.api.parsing import parse_query
from services.api.routes import PREFIX, ROUTES, Handler, Route
from services.api.state import IDENTITY, QUERY, STATE, State


def build(state: State) -> web.Application:
    app = web.Application(middlewares=(observe, answer_problems, authenticate), client_max_size=MAX_BODY)
    app[STATE] = state
    app[live.BROADCASTS] = live.broadcasts(state)
    app.on_shutdown.append(live.stop)
    app.on_response_prepare.append(stamp)
    for route in ROUTES:
        app.router.add_route(route.method, PREFIX + route.path, endpoint(route), expect_handler=expect_later)
    return app


def endpoint(route: Route) -> Handler:
    """Guard a handler by its row in the table: first the role, then the query parameters."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if not request[IDENTITY].may(route.role):
            raise Problem(403, f"This needs a token with the role {route.role}.")
        pairs = {name: request.query.getall(name) for name in request.query}
        request[QUERY] = parse_query(route.query, pairs)
        return await route.handler(request)

    return handle
