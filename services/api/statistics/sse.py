"""GET /mailings/{id}/statistics/stream: sends the statistics of a mailing as server-sent events until it has ended.

Events: `statistics` about once a second; `unavailable` once when the database becomes unavailable, after which the
stream waits for it; and `end` with a reason, after which it closes. A stream that closes without `end` was cut: connect
again.
"""

import asyncio

import orjson
from aiohttp import web

from services.api.access.places import STREAMS
from services.api.metrics import Metrics
from services.api.statistics import store
from services.api.statistics.broadcast import Broadcasts, EventKind, StreamEvent, TooManyViewers, Viewer
from services.api.statistics.handlers import present
from services.api.statistics.store import Figures
from services.api.web.context import id_in, timeouts_of
from services.api.web.database import DATABASE_AWAY, DatabaseGate
from services.api.web.negotiation import EVENT_STREAM
from services.api.web.problems import HttpProblem, not_found, unavailable
from services.api.web.timeouts import Timeouts
from shared import logs

OPENING = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"

BROADCASTS = web.AppKey("broadcasts", Broadcasts)


def frame(event: str, body: bytes) -> bytes:
    """Encodes one event. A body is JSON, and so has no line breaks."""
    return b"event: " + event.encode() + b"\ndata: " + body + b"\n\n"


def end(kind: EventKind, before: bytes = b"") -> StreamEvent:
    return StreamEvent(kind, before + frame("end", orjson.dumps({"reason": kind})))


_AWAY_DETAIL = orjson.dumps({"detail": "The database is unavailable; the stream continues when it is back."})
AWAY_EVENT = StreamEvent("away", frame("unavailable", _AWAY_DETAIL))


def broadcasts(gate: DatabaseGate, metrics: Metrics) -> Broadcasts:
    """Makes the broadcasts of this process, which read the statistics from the database."""

    async def read(mailing_id: int) -> StreamEvent:
        try:
            return event_of(mailing_id, await store.figures(gate.pool, mailing_id))
        except (HttpProblem, *DATABASE_AWAY) as error:
            logs.get().warning("database unavailable", kind=type(error).__name__, mailing_id=mailing_id)
            return AWAY_EVENT

    return Broadcasts(read, metrics)


def event_of(mailing_id: int, figures: Figures | None) -> StreamEvent:
    """Returns the event of a mailing. A mailing has ended once its counts are closed, also after a cancel."""
    if figures is None:
        return end("gone")
    statistics = frame("statistics", present(mailing_id, figures).model_dump_json(by_alias=True).encode())
    if figures.status in {"finished", "cancelled"} and figures.finished_at is not None:
        return end("ended", statistics)
    return StreamEvent("figures", statistics)


async def stop(app: web.Application) -> None:
    """Ends all streams, so that none delays the end of the process."""
    await app[BROADCASTS].close(end("stopping"))


async def stream(request: web.Request) -> web.StreamResponse:
    mailing_id = id_in(request, "mailing")
    try:
        with request.app[STREAMS].take(request), request.app[BROADCASTS].watch(mailing_id) as viewer:
            first = _first(await viewer.next())
            response = web.StreamResponse(headers={"Content-Type": EVENT_STREAM, "X-Accel-Buffering": "no"})
            await response.prepare(request)
            await _write_all(request, response, viewer, first)
            return response
    except TooManyViewers:
        detail = "Too many streams are open. Request the statistics instead, or try again later."
        raise HttpProblem("stream-unavailable", detail, headers={"Retry-After": "30"}) from None


def _first(event: StreamEvent) -> StreamEvent:
    """Returns the first event. Raises a problem if a stream cannot begin with it: nothing was answered yet."""
    if event.kind == "gone":
        raise not_found("mailing")
    if event.kind == "away":
        raise unavailable()
    if event.kind in {"failed", "stopping"}:
        detail = "The stream is not available at this moment. Try again."
        raise HttpProblem("stream-unavailable", detail, headers={"Retry-After": "2"})
    return event


async def _write_all(request: web.Request, response: web.StreamResponse, viewer: Viewer, event: StreamEvent) -> None:
    timeouts = timeouts_of(request)
    try:
        await _write(response, OPENING + event.frame, timeouts)
        while not event.last:
            event = await _next(viewer, timeouts)
            await _write(response, event.frame, timeouts)
        await response.write_eof()
    except ConnectionError:
        logs.get().debug("viewer left")
    except TimeoutError:
        logs.get().info("slow viewer disconnected")
        if request.transport is not None:
            request.transport.abort()


async def _next(viewer: Viewer, timeouts: Timeouts) -> StreamEvent:
    """Waits for an event. Returns a heartbeat if none comes: proxies close a connection that is silent."""
    try:
        async with asyncio.timeout(timeouts.heartbeat):
            return await viewer.next()
    except TimeoutError:
        return StreamEvent("away", HEARTBEAT)


async def _write(response: web.StreamResponse, data: bytes, timeouts: Timeouts) -> None:
    async with asyncio.timeout(timeouts.reader):
        await response.write(data)
