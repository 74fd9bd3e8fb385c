"""Results on their way to the reporter: gathered, published with confirm, and only then acknowledged."""

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
class Entry:
    """A result, and what is to be done once the broker has it."""

    result: Result
    confirmed: Callable[[], Awaitable[None]]


class Outbox:
    """Publishes results in bodies of up to 200, again and again until each is confirmed."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._entries: asyncio.Queue[Entry] = asyncio.Queue()
        self._sending: list[Entry] = []
        self._waiting_since: float | None = None
        self.pulse = Pulse()

    @property
    def outstanding(self) -> int:
        """Results that the broker has not confirmed."""
        return self._entries.qsize() + len(self._sending)

    def behind(self, moment: float) -> float:
        """Say for how many seconds the oldest body has been unconfirmed."""
        return 0.0 if self._waiting_since is None else moment - self._waiting_since

    def add(self, entry: Entry) -> None:
        self._entries.put_nowait(entry)

    async def run(self) -> None:
        while True:
            self.pulse.rest()
            entry = await self._entries.get()
            self._sending = [entry]
            await asyncio.sleep(LINGER_SECONDS)
            self._gather()
            await self._publish()

    async def flush(self, seconds: float) -> None:
        """Publishes what is left, at shutdown, for so many seconds at most."""
        try:
            async with asyncio.timeout(seconds):
                while self.outstanding:
                    self._gather()
                    await self._publish()
        except TimeoutError:
            # Their claims become stale and they are sent again: the duplicates that are admitted.
            for ids in logs.in_lines([entry.result.message_id for entry in self._left()]):
                log.error("results lost at shutdown", results=len(ids), message_ids=ids)

    def _left(self) -> Sequence[Entry]:
        return [*self._sending, *(self._entries.get_nowait() for _ in range(self._entries.qsize()))]

    def _gather(self) -> None:
        room = MAX_RESULTS - len(self._sending)
        self._sending += [self._entries.get_nowait() for _ in range(min(room, self._entries.qsize()))]

    async def _publish(self) -> None:
        body = encode(Results(results=[entry.result for entry in self._sending]))
        backoff = Backoff()
        self._waiting_since = asyncio.get_running_loop().time()
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
        self._waiting_since = None
        done, self._sending = self._sending, []
        _tell(done)
        for entry in done:
            await entry.confirmed()


def _tell(entries: Sequence[Entry]) -> None:
    message_ids = [entry.result.message_id for entry in entries]
    mailing_ids = sorted({entry.result.mailing_id for entry in entries})
    log.info("results published", message_ids=message_ids, mailing_ids=mailing_ids)
