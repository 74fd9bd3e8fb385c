"""Hints to the planner that a mailing changed: published after the commit, in the background, best effort.

The planner polls as well, so a lost hint costs a second and no message.
"""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import uuid4

from aiohttp import web

from services.api.web.context import REQUEST_ID
from services.api.web.observing.spans import traceparent_of
from shared import logs, tracing
from shared.broker import Outgoing, Unpublished
from shared.health import Pulse
from shared.messages import MailingEvent, MailingEventName, encode
from shared.task_supervisor import Work
from shared.topology import MAILINGS
from shared.tracing import TraceSpan

QUEUE_SIZE = 1000
FLUSH_SECONDS = 2.0


class HintSink(Protocol):
    def put(self, name: MailingEventName, mailing_id: int, request_id: str, traceparent: str | None = None) -> None: ...


PLANNER_HINTS = web.AppKey[HintSink]("planner_hints")


def notify_planner(request: web.Request, name: MailingEventName, mailing_id: int) -> None:
    """Queues a hint that the request changed a mailing. Call it after the commit."""
    request.app[PLANNER_HINTS].put(name, mailing_id, request[REQUEST_ID], traceparent_of(request))


class HintPublisher(Protocol):
    async def publish(self, outgoing: Outgoing) -> None: ...


# Makes the coroutine that runs a task of this name, from a function that is called anew for each start.
Supervise = Callable[[str, Work], Coroutine[Any, Any, None]]


async def run_plainly(_: str, work: Work) -> None:
    """Runs a task that is not started again when it fails."""
    await work()


class HintQueue:
    """A bounded queue with one publisher behind it.

    When it is full it drops hints, so that an answer never waits for the broker.
    """

    def __init__(
        self,
        publisher: HintPublisher,
        *,
        size: int = QUEUE_SIZE,
        flush_seconds: float = FLUSH_SECONDS,
        supervise: Supervise = run_plainly,
    ) -> None:
        self._publisher = publisher
        self._supervise = supervise
        self._flush_seconds = flush_seconds
        self._queue: asyncio.Queue[tuple[MailingEvent, str | None]] = asyncio.Queue(size)
        self._task: asyncio.Task[None] | None = None
        self.pulse = Pulse()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._supervise("planner hints", self._run), name="planner hints")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._flush()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def put(self, name: MailingEventName, mailing_id: int, request_id: str, traceparent: str | None = None) -> None:
        event = MailingEvent(event_id=uuid4(), event=name, mailing_id=mailing_id, request_id=request_id)
        try:
            self._queue.put_nowait((event, traceparent))
        except asyncio.QueueFull:
            logs.get().warning("planner hint dropped", event_name=name, mailing_id=mailing_id, request_id=request_id)

    async def _run(self) -> None:
        while True:
            self.pulse.rest()
            event, traceparent = await self._queue.get()
            self.pulse.beat()
            try:
                await self._publish(event, traceparent)
            finally:
                self._queue.task_done()

    async def _publish(self, event: MailingEvent, traceparent: str | None) -> None:
        span = _begin_span(event, traceparent)
        headers = tracing.headers_of(None if span is None else span.traceparent)
        failed = None
        try:
            await self._publisher.publish(Outgoing(MAILINGS, event.event, encode(event), headers))
        except Unpublished as error:
            failed = "unpublished"
            logs.get().warning(
                "planner hint not published",
                event_name=event.event,
                mailing_id=event.mailing_id,
                request_id=event.request_id,
                detail=str(error),
            )
        if span is not None:
            span.end(error=failed)

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(self._flush_seconds):
                await self._queue.join()
        except TimeoutError:
            logs.get().warning("planner hints left unpublished", count=self._queue.qsize())


def _begin_span(event: MailingEvent, traceparent: str | None) -> TraceSpan | None:
    tools = tracing.get()
    if tools is None or traceparent is None:
        return None
    attributes: dict[str, str | int] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "send",
        "messaging.destination.name": MAILINGS,
        "messaging.rabbitmq.destination.routing_key": event.event,
        "herald.mailing_id": event.mailing_id,
    }
    return tools.begin(f"publish {MAILINGS}", "producer", parent=traceparent, attributes=attributes)
