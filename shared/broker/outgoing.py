"""Bodies on their way to the broker, and how the publishing of one can fail."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


class Unpublished(Exception):
    """The broker did not confirm a body. Whether it arrived is unknown."""


class Unroutable(Unpublished):
    """No queue is bound for this routing key, even after the topology was declared again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A body to be published. People who look into a queue, the dead letters and traces read the headers."""

    exchange: str
    routing_key: str
    body: bytes
    headers: dict[str, str | int] = field(default_factory=dict)


class Unconfirmed:
    """One body between its publishing and its confirm. It is settled once, by the broker or by its deadline."""

    __slots__ = ("_settle", "deadline", "done", "outgoing", "returned")

    def __init__(self, outgoing: Outgoing, deadline: float, settle: Callable[[Unpublished | None], None]) -> None:
        """`settle` gets None when the broker has the body. `deadline` is a time of the event loop."""
        self.outgoing = outgoing
        self.deadline = deadline
        self.done = False
        # Whether it came back once, and was published again.
        self.returned = False
        self._settle = settle

    def settle(self, error: Unpublished | None) -> None:
        """Settles the body, unless it is settled already."""
        if not self.done:
            self.done = True
            self._settle(error)


class PublishedBatch:
    """The confirms of bodies that are published together."""

    def __init__(self, outgoings: Sequence[Outgoing]) -> None:
        self.confirmed = [False] * len(outgoings)
        self.error: Unpublished | None = None
        self._left = 0
        self._finished = asyncio.Event()

    def begin(self) -> None:
        """Counts one more body that is on its way."""
        self._left += 1

    def settle(self, place: int, error: Unpublished | None) -> None:
        """Takes what became of the body at this place."""
        if error is None:
            self.confirmed[place] = True
        else:
            self.error = error
        self._left -= 1
        if not self._left:
            self._finished.set()

    async def wait(self) -> None:
        """Waits until every body that is on its way is settled."""
        while self._left:
            self._finished.clear()
            await self._finished.wait()


class Deadlines:
    """Unconfirmed bodies in the order of their deadlines, which is that of their publishing."""

    def __init__(self, expire: Callable[[Unconfirmed], None]) -> None:
        self._expire = expire
        self._bodies: deque[Unconfirmed] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, body: Unconfirmed) -> None:
        """Adds a body, whose deadline is not before that of those added earlier."""
        self._bodies.append(body)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(body.deadline, self._look)

    def drop_done(self) -> None:
        """Forgets the settled bodies at the front."""
        while self._bodies and self._bodies[0].done:
            self._bodies.popleft()

    def close(self) -> None:
        """Expires all that is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._bodies:
            self._expire(self._bodies.popleft())

    def _look(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._bodies and (self._bodies[0].done or self._bodies[0].deadline <= now):
            self._expire(self._bodies.popleft())
        if self._bodies:
            self._timer = loop.call_at(self._bodies[0].deadline, self._look)
