"""Results on their way to the reporter: gathered into bodies, published, and acknowledged once confirmed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared import failpoints, logs, topology
from shared.broker import Outgoing, Publisher, Unpublished
from shared.health import Pulse
from shared.messages import MAX_RESULTS, Result, Results, encode
from shared.waiting import Backoff

LINGER_SECONDS = 0.01

log = logs.get()


@dataclass(frozen=True, slots=True)
class BufferedResult:
    """A result, and what to call once the broker has confirmed it."""

    result: Result
    confirmed: Callable[[], Awaitable[None]]


class ResultBuffer:
    """Results that are not confirmed yet. They are published in bodies of up to 200, each until it is confirmed."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: asyncio.Queue[BufferedResult] = asyncio.Queue()
        self._sending: list[BufferedResult] = []
        self._sending_since: float | None = None
        self.pulse = Pulse()

    @property
    def outstanding(self) -> int:
        """Results that the broker has not confirmed."""
        return self._waiting.qsize() + len(self._sending)

    def behind(self, moment: float) -> float:
        """Returns for how many seconds the oldest body has been unconfirmed."""
        return 0.0 if self._sending_since is None else moment - self._sending_since

    def add(self, buffered: BufferedResult) -> None:
        """Adds a result. It is published within milliseconds, together with others."""
        self._waiting.put_nowait(buffered)

    async def run(self) -> None:
        """Publishes what is added, until cancelled."""
        while True:
            self.pulse.rest()
            # After an error of Herald's the task is started again, with what it had not published.
            if not self._sending:
                self._sending = [await self._waiting.get()]
            await asyncio.sleep(LINGER_SECONDS)
            self._gather()
            await self._publish()

    async def flush(self, seconds: float) -> None:
        """Publishes what is left at shutdown, for `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                while self.outstanding:
                    self._gather()
                    await self._publish()
        except TimeoutError:
            # Their claims become stale, and the messages are sent again: duplicates that the design accepts.
            for ids in logs.in_lines([buffered.result.message_id for buffered in self._left()]):
                log.error("results lost at shutdown", results=len(ids), message_ids=ids)

    def _left(self) -> Sequence[BufferedResult]:
        return [*self._sending, *(self._waiting.get_nowait() for _ in range(self._waiting.qsize()))]

    def _gather(self) -> None:
        room = MAX_RESULTS - len(self._sending)
        self._sending += [self._waiting.get_nowait() for _ in range(min(room, self._waiting.qsize()))]

    async def _publish(self) -> None:
        body = encode(Results(results=[buffered.result for buffered in self._sending]))
        backoff = Backoff()
        self._sending_since = asyncio.get_running_loop().time()
        failpoints.reach("dispatcher.result_unpublished")
        while True:
            self.pulse.beat()
            try:
                await self._publisher.publish(Outgoing(topology.RESULTS, topology.RESULT_KEY, body))
                break
            except Unpublished as error:
                log.warning("results not confirmed", results=len(self._sending), detail=str(error))
            await asyncio.sleep(backoff.next())
        failpoints.reach("dispatcher.result_published")
        self._sending_since = None
        done, self._sending = self._sending, []
        _log_published(done)
        for buffered in done:
            await buffered.confirmed()


def _log_published(done: Sequence[BufferedResult]) -> None:
    message_ids = [buffered.result.message_id for buffered in done]
    mailing_ids = sorted({buffered.result.mailing_id for buffered in done})
    log.info("results published", message_ids=message_ids, mailing_ids=mailing_ids)
