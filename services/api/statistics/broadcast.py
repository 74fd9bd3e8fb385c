"""Distributes the statistics of mailings to their viewers: one query a second for each mailing, however many watch.

A viewer holds one event. An event that it has not taken yet is replaced by the next one, so that a slow viewer costs no
memory, and nobody waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from services.api.metrics import Metrics
from shared import logs

EVERY_SECONDS = 1.0
# Each viewer is an open connection, and those are bounded.
MOST_VIEWERS = 500

EventKind = Literal["figures", "ended", "gone", "away", "failed", "stopping"]
# After one of these no event follows.
LAST_KINDS: frozenset[EventKind] = frozenset({"ended", "gone", "failed", "stopping"})


class TooManyViewers(Exception):
    """This process already has as many viewers as it takes."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream. `frame` is its encoded form, made once for all viewers."""

    kind: EventKind
    frame: bytes = b""

    @property
    def last(self) -> bool:
        return self.kind in LAST_KINDS


# Reads the present event of a mailing.
ReadEvent = Callable[[int], Awaitable[StreamEvent]]


class Viewer:
    """One open stream, with the newest event that it has not taken yet."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[StreamEvent] = asyncio.Queue(1)

    def put(self, event: StreamEvent) -> None:
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(event)

    async def next(self) -> StreamEvent:
        """Waits for an event. Of those that came since the last call, only the newest is returned."""
        return await self._events.get()


class Broadcast:
    """One mailing that is watched. It runs until nobody has watched for a second, or no event can follow."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self._latest: StreamEvent | None = None

    def join(self, viewer: Viewer) -> None:
        """Adds a viewer, who sees at once what the others see already."""
        self.viewers.add(viewer)
        if self._latest is not None:
            viewer.put(self._latest)

    def push(self, event: StreamEvent) -> None:
        """Pushes an event to all viewers. An outage of the database is pushed once, however long it lasts."""
        repeated = self._latest is not None and event.kind == self._latest.kind == "away"
        self._latest = event
        for viewer in () if repeated else self.viewers:
            viewer.put(event)

    async def run(self, mailing_id: int, read: ReadEvent, every: float) -> None:
        while self._latest is None or self.viewers:
            event = await read(mailing_id)
            self.push(event)
            if event.last:
                return
            await asyncio.sleep(every)


class Broadcasts:
    """All mailings that are watched in this process."""

    def __init__(
        self, read: ReadEvent, metrics: Metrics, *, every: float = EVERY_SECONDS, most_viewers: int = MOST_VIEWERS
    ) -> None:
        self._read = read
        self._metrics = metrics
        self._every = every
        self._most_viewers = most_viewers
        self._running: dict[int, Broadcast] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._viewers = 0
        self._stopping: StreamEvent | None = None

    @contextmanager
    def watch(self, mailing_id: int) -> Iterator[Viewer]:
        """Watches a mailing while the block runs. Raises TooManyViewers."""
        if self._viewers >= self._most_viewers:
            raise TooManyViewers
        viewer = Viewer()
        broadcast = self._join(mailing_id, viewer)
        self._count(1)
        try:
            yield viewer
        finally:
            self._count(-1)
            broadcast.viewers.discard(viewer)

    async def close(self, event: StreamEvent) -> None:
        """Ends all streams with an event, which those who come later get as well."""
        self._stopping = event
        for broadcast in self._running.values():
            broadcast.push(event)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _join(self, mailing_id: int, viewer: Viewer) -> Broadcast:
        broadcast = self._running.get(mailing_id)
        if broadcast is None:
            broadcast = Broadcast()
            if self._stopping is not None:
                broadcast.push(self._stopping)
            else:
                self._start(mailing_id, broadcast)
        broadcast.join(viewer)
        return broadcast

    def _start(self, mailing_id: int, broadcast: Broadcast) -> None:
        self._running[mailing_id] = broadcast
        task = asyncio.create_task(self._run(mailing_id, broadcast), name=f"broadcast {mailing_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, mailing_id: int, broadcast: Broadcast) -> None:
        try:
            await broadcast.run(mailing_id, self._counted_read, self._every)
        except Exception as error:
            logs.get().error("broadcast failed", mailing_id=mailing_id, kind=type(error).__name__)
            broadcast.push(StreamEvent("failed"))
        finally:
            del self._running[mailing_id]

    async def _counted_read(self, mailing_id: int) -> StreamEvent:
        self._metrics.stream_queries.inc()
        return await self._read(mailing_id)

    def _count(self, change: int) -> None:
        self._viewers += change
        self._metrics.stream_viewers.set(self._viewers)
