"""Hand-written fakes of a broker, a provider, a database and a clock for unit tests."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import orjson

from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.provider_api.pending_request import PendingRequest, RequestOwner
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
        self._publishing: list[asyncio.Future[None]] = []

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

    def publish_soon(self, outgoing: Outgoing, settle: Callable[[Unpublished | None], None]) -> None:
        async def publish() -> None:
            try:
                await self.publish(outgoing)
            except Unpublished as error:
                settle(error)
            else:
                settle(None)

        self._publishing.append(asyncio.ensure_future(publish()))

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        outcomes = await asyncio.gather(*(self.publish(one) for one in outgoings), return_exceptions=True)
        return [outcome is None for outcome in outcomes]

    async def until_begun(self, publishes: int) -> None:
        """Waits until `publishes` publishes have begun."""
        while self.begun < publishes:
            self._moved.clear()
            await self._moved.wait()


class FakeProvider(HttpClient):
    """Returns the given replies, then successes. Records the requests, and replies only while `gate` is set.

    Asks whether a request may begin once it is `connected`, and fails with `error` just before. Raises
    `fault` at once.
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
        self.fault: Exception | None = None

    def begin(
        self,
        path: bytes,
        body: bytes,
        headers: bytes,
        *,
        deadline: float,
        owner: RequestOwner,
        method: bytes = b"POST",
    ) -> PendingRequest | None:
        if self.fault is not None:
            raise self.fault
        found = orjson.loads(body)
        pending = PendingRequest(b"", deadline, owner)
        request = found["id"], str(found["phone"]), found["text"], deadline
        serving = asyncio.ensure_future(self._answer(pending, request))
        pending.abort = partial(_cancel, serving)
        return pending

    def cancel(self, pending: PendingRequest) -> None:
        if pending.abort is not None:
            pending.abort()
        pending.leave()

    async def _answer(self, pending: PendingRequest, request: tuple[int, str, str, float]) -> None:
        await self.connected.wait()
        if self.error is not None:
            pending.leave()
            pending.owner.on_not_begun(self.error)
        elif pending.permits():
            self.requests.append(request)
            self.asked.set()
            await self.gate.wait()
            pending.answer(self._replies.popleft() if self._replies else a_reply())


def _cancel(serving: "asyncio.Future[None]") -> None:
    serving.cancel()


class FakeDelivery(Delivery):
    """A delivery that remembers whether it was acknowledged or rejected. Its channel is open while `alive`."""

    def __init__(self, body: bytes = b"", *, redelivered: bool = False, alive: bool = True) -> None:
        self.body = body
        self.redelivered = redelivered
        self.headers = {}
        self._alive = alive
        self.acked = 0
        self.rejected = 0

    @property
    def alive(self) -> bool:
        return self._alive

    def ack(self) -> None:
        self.acked += 1

    def reject(self) -> None:
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
