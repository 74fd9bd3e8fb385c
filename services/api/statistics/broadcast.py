"""Live news of mailings: one look a second at each that somebody watches, however many watch.

A viewer has room for one piece of news, and what it has not taken yet is replaced by what is newer: so a slow one
costs no memory and nobody waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from services.api.metrics import Meters
from shared import logs

EVERY_SECONDS = 1.0
# Each viewer is an open connection, and those are bounded.
MOST_VIEWERS = 500

Kind = Literal["figures", "ended", "gone", "away", "failed", "stopping"]
# After these nothing follows.
LAST: frozenset[Kind] = frozenset({"ended", "gone", "failed", "stopping"})


class TooMany(Exception):
    """As many viewers as this process takes are watching."""


@dataclass(frozen=True, slots=True)
class News:
    """`frame` is what viewers are sent, encoded once for all of them."""

    kind: Kind
    frame: bytes = b""

    @property
    def last(self) -> bool:
        return self.kind in LAST


Look = Callable[[int], Awaitable[News]]


class Viewer:
    """Who watches a mailing."""

    def __init__(self) -> None:
        self._news: asyncio.Queue[News] = asyncio.Queue(1)

    def put(self, news: News) -> None:
        if self._news.full():
            self._news.get_nowait()
        self._news.put_nowait(news)

    async def next(self) -> News:
        """Waits for news. What came while nobody waited is skipped, except for the newest."""
        return await self._news.get()


class Broadcast:
    """One mailing that is watched. It goes on until nobody has watched for a second, or nothing can follow."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self._latest: News | None = None

    def join(self, viewer: Viewer) -> None:
        """Shows a new viewer what the others see already."""
        self.viewers.add(viewer)
        if self._latest is not None:
            viewer.put(self._latest)

    def tell(self, news: News) -> None:
        """Tell everybody. That the database is away is told once."""
        repeated = self._latest is not None and news.kind == self._latest.kind == "away"
        self._latest = news
        for viewer in () if repeated else self.viewers:
            viewer.put(news)

    async def run(self, mailing_id: int, look: Look, every: float) -> None:
        while self._latest is None or self.viewers:
            news = await look(mailing_id)
            self.tell(news)
            if news.last:
                return
            await asyncio.sleep(every)


class Broadcasts:
    """All mailings that are watched in this process."""

    def __init__(
        self, look: Look, meters: Meters, *, every: float = EVERY_SECONDS, most_viewers: int = MOST_VIEWERS
    ) -> None:
        self._look, self._meters = look, meters
        self._every, self._most = every, most_viewers
        self._running: dict[int, Broadcast] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._viewers = 0
        self._stopping: News | None = None

    @contextmanager
    def watch(self, mailing_id: int) -> Iterator[Viewer]:
        """Watches a mailing while the block runs. Raises TooMany."""
        if self._viewers >= self._most:
            raise TooMany
        viewer = Viewer()
        broadcast = self._join(mailing_id, viewer)
        self._count(1)
        try:
            yield viewer
        finally:
            self._count(-1)
            broadcast.viewers.discard(viewer)

    async def close(self, news: News) -> None:
        """Tell all viewers, also those who come later, that this process stops."""
        self._stopping = news
        for broadcast in self._running.values():
            broadcast.tell(news)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _join(self, mailing_id: int, viewer: Viewer) -> Broadcast:
        broadcast = self._running.get(mailing_id)
        if broadcast is None:
            broadcast = Broadcast()
            if self._stopping is not None:
                broadcast.tell(self._stopping)
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
            await broadcast.run(mailing_id, self._counted_look, self._every)
        except Exception as error:
            logs.get().error("broadcast failed", mailing_id=mailing_id, kind=type(error).__name__)
            broadcast.tell(News("failed"))
        finally:
            del self._running[mailing_id]

    async def _counted_look(self, mailing_id: int) -> News:
        self._meters.looks.inc()
        return await self._look(mailing_id)

    def _count(self, change: int) -> None:
        self._viewers += change
        self._meters.viewers.set(self._viewers)
