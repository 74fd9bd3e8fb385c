"""Hand-written fakes of a broker, a provider, a database and a clock for unit tests."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from services.dispatcher.provider_api.pending_request import NotBegun
from services.dispatcher.provider_api.provider import Provider
from services.dispatcher.provider_api.replies import Reply
from shared.broker import Delivery, Outgoing, Publisher, Unpublished
from tests.support.builders import a_reply


class RecordingPublisher(Publisher):
    """Records what it published. Refuses the first `refusals` publishes, and confirms only while `gate` is set."""

    def __init__(self, *, refusals: float = 0) -> None:
        self.refusals = refusals
        self.published: list[Outgoing] = []
        self.refused: list[Outgoing] = []
        self.begun = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._moved = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self.gate.is_set()

    async def publish(self, outgoing: Outgoing) -> None:
        self.begun += 1
        self._moved.set()
        await self.gate.wait()
        if len(self.refused) < self.refusals:
            self.refused.append(outgoing)
            raise Unpublished("the broker is away")
        self.published.append(outgoing)

    def publish_soon(self, outgoing: Outgoing) -> "asyncio.Future[None]":
        return asyncio.ensure_future(self.publish(outgoing))

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        outcomes = await asyncio.gather(*(self.publish(one) for one in outgoings), return_exceptions=True)
        return [outcome is None for outcome in outcomes]

    async def until_begun(self, publishes: int) -> None:
        """Waits until `publishes` publishes have begun."""
        while self.begun < publishes:
            self._moved.clear()
            await self._moved.wait()


class FakeProvider(Provider):
    """Returns the given replies, then successes. Records the requests, and replies only while `gate` is set.

    Asks whether a request may begin once it is `connected`, and raises `error` just before.
    """

    def __init__(self, *replies: Reply) -> None:
        self._replies = deque(replies)
        self.requests: list[tuple[int, str, str, float]] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.connected = asyncio.Event()
        self.connected.set()
        self.error: Exception | None = None

    async def send(
        self, message_id: int, phone: str, text: str, *, deadline: float, may_begin: Callable[[], bool]
    ) -> Reply:
        await self.connected.wait()
        if self.error is not None:
            raise self.error
        if not may_begin():
            raise NotBegun
        self.requests.append((message_id, phone, text, deadline))
        self.asked.set()
        await self.gate.wait()
        return self._replies.popleft() if self._replies else a_reply()


class FakeDelivery(Delivery):
    """A delivery that remembers whether it was acknowledged or rejected. Its channel is open while `alive`."""

    def __init__(self, body: bytes = b"", *, redelivered: bool = False, alive: bool = True) -> None:
        self.body = body
        self.redelivered = redelivered
        self._alive = alive
        self.acked = 0
        self.rejected = 0

    @property
    def alive(self) -> bool:
        return self._alive

    async def ack(self) -> None:
        self.acked += 1

    async def reject(self) -> None:
        self.rejected += 1


class FakeClock:
    """Returns the given moments one after the other, then always the last one."""

    def __init__(self, *moments: float) -> None:
        self._moments = deque(moments)

    def move_to(self, moment: float) -> None:
        """Returns this moment from now on."""
        self._moments = deque((moment,))

    def __call__(self) -> float:
        return self._moments.popleft() if len(self._moments) > 1 else self._moments[0]
