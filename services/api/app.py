"""Builds the application: the middleware, the routes of the table, and the parts of each feature."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from services.api.access import places
from services.api.access.authenticate import AUTHENTICATOR, SESSIONS, Authenticator, authenticate
from services.api.access.identity import IDENTITY, at_work
from services.api.access.places import EXPORTS, STREAMS, UPLOADS
from services.api.access.rate_limit import RATE_LIMITS, RateLimits, limit, stamp_allowance
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.console import routes as console
from services.api.dead_letters.queues import DEAD_QUEUES, DeadQueueOpener
from services.api.health.reader import HEALTH_READER, HealthReader, QueueReader
from services.api.mailings.default_window import DEFAULT_WINDOW
from services.api.mailings.planner_hints import PLANNER_HINTS, HintSink
from services.api.mailings.schemas import WindowNew
from services.api.metrics import Metrics
from services.api.pages import routes as pages
from services.api.receipts import handlers as receipts
from services.api.receipts.handlers import RECEIPT_PUBLISHER, BodyPublisher
from services.api.receipts.mappings import RECEIPTS, ReceiptMappings
from services.api.routes import ROUTES
from services.api.segments.handlers import COUNTING, MOST_AT_A_TIME
from services.api.sign_in import routes as sign_in_routes
from services.api.sign_in.wiring import SIGN_IN, SignIn, identify_session
from services.api.statistics import sse
from services.api.stop_list.guard import KEY
from services.api.stop_list.keys import StopListKey
from services.api.web.bodies import BODY_MODEL, MAX_BODY, expect_later
from services.api.web.context import DATABASE, LOG_FIELDS, METRICS, QUERY, TIMEOUTS, timeouts_of
from services.api.web.database import DatabaseGate
from services.api.web.middleware import FIELD_NAMES, answer_problems, observe, stamp
from services.api.web.observing.request_log import field_names, redact_fields
from services.api.web.observing.spans import trace_requests
from services.api.web.problems import HttpProblem, took_too_long
from services.api.web.reading.parsing import parse_query, refuse_no_text
from services.api.web.reading.turns import TURNS, Turns
from services.api.web.route import PREFIX, Handler, Route, by_path, methods_of
from services.api.web.shares import SHARES, Shares
from services.api.web.timeouts import Timeouts
from services.api.web.writing.compression import compress
from shared import tracing

MIDDLEWARE = (observe, compress, answer_problems, authenticate, limit)


def build(
    *,
    database: DatabaseGate,
    metrics: Metrics,
    timeouts: Timeouts,
    authenticator: Authenticator,
    rate_limits: RateLimits,
    planner_hints: HintSink,
    dead_queues: DeadQueueOpener,
    default_zone: str,
    stop_list_key: StopListKey | None = None,
    default_window: WindowNew | None = None,
    sign_in: SignIn | None = None,
    queues: QueueReader | None = None,
    receipt_mappings: ReceiptMappings | None = None,
    receipt_publisher: BodyPublisher | None = None,
) -> web.Application:
    """Builds the application from its parts, each of which belongs to one feature."""
    spans = tracing.get()
    app = web.Application(
        middlewares=MIDDLEWARE if spans is None else (trace_requests(spans), *MIDDLEWARE),
        client_max_size=MAX_BODY,
        # Bodies are decompressed in web/bodies.py: aiohttp takes incomplete data for complete.
        handler_args={"auto_decompress": False},
    )
    app[DATABASE] = database
    app[METRICS] = metrics
    app[TIMEOUTS] = timeouts
    app[FIELD_NAMES] = field_names(model for route in ROUTES for model in route.models)
    app[AUTHENTICATOR] = authenticator
    if sign_in is not None:
        app[SIGN_IN] = sign_in
        app[SESSIONS] = identify_session
    app[RECEIPTS] = ReceiptMappings(None) if receipt_mappings is None else receipt_mappings
    for provider in app[RECEIPTS].providers:
        metrics.receipts.labels(provider)
    if receipt_publisher is not None:
        app[RECEIPT_PUBLISHER] = receipt_publisher
    app[RATE_LIMITS] = rate_limits
    app[PLANNER_HINTS] = planner_hints
    app[DEAD_QUEUES] = dead_queues
    app[HEALTH_READER] = HealthReader(queues)
    app[DEFAULT_ZONE] = default_zone
    app[KEY] = stop_list_key
    shares = app[SHARES] = Shares()
    app[TURNS] = Turns(shares.at_work)
    app[EXPORTS] = places.exports()
    app[UPLOADS] = places.uploads()
    app[STREAMS] = places.streams()
    app[COUNTING] = asyncio.Semaphore(MOST_AT_A_TIME)
    app[DEFAULT_WINDOW] = default_window
    app[sse.BROADCASTS] = sse.broadcasts(database, metrics)
    app.on_shutdown.append(sse.stop)
    app.on_response_prepare.extend((stamp, stamp_allowance))
    for path, routes in by_path(ROUTES).items():
        _add(app.router, PREFIX + path, routes)
    pages.add(app, ROUTES)
    console.add(app)
    sign_in_routes.add(app)
    receipts.add(app)
    return app


def _add(router: web.UrlDispatcher, path: str, routes: Sequence[Route]) -> None:
    """Adds the routes of one path, and with them HEAD and OPTIONS."""
    for route in routes:
        router.add_route(route.method, path, endpoint(route), expect_handler=expect_later)
        if route.answers_head:
            router.add_route("HEAD", path, endpoint(route))
    router.add_route("OPTIONS", path, options(methods_of(routes)))


def options(methods: Sequence[str]) -> Handler:
    """Returns the handler of OPTIONS, which lists the methods of a path for any token."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=204, headers={"Allow": ", ".join(methods)})

    return handle


def endpoint(route: Route) -> Handler:
    """Wraps the handler of a route in the checks of its row: the role, the query parameters, and the time limit."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if not request[IDENTITY].may(route.role):
            raise HttpProblem("role-insufficient", f"This needs a token with the role {route.role}.")
        refuse_no_text(request.rel_url.raw_path, request.rel_url.raw_query_string)
        pairs = {name: request.query.getall(name) for name in request.query}
        query = parse_query(route.query, pairs)
        request[QUERY] = query
        request[BODY_MODEL] = route.body
        if given := redact_fields(query):
            request[LOG_FIELDS]["query"] = given
        if route.uploads:
            with request.app[UPLOADS].take(request):
                return await route.handler(request)
        return await (route.handler(request) if route.streams else in_time(request, route.handler))

    return handle


async def in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Runs a handler, and stops it when it takes too long. Raises a 503 problem then."""
    seconds = timeouts_of(request).request
    try:
        async with asyncio.timeout(seconds) as timer, at_work(request):
            return await handler(request)
    except TimeoutError:
        if timer.expired():
            raise took_too_long(seconds) from None
        raise
