"""Results on their way to the reporter: gathered into bodies, published, and acknowledged once confirmed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared import failpoints, logs, topology, tracing
from shared.broker import Outgoing, Publisher, Unpublished
from shared.health import Pulse
from shared.messages import MAX_RESULTS, Result, Results, encode
from shared.waiting import Backoff, sleep_unless

# A body costs the broker and the reporter more than the results in it, and nobody waits for a result meanwhile.
LINGER_SECONDS = 0.03

log = logs.get()


@dataclass(eq=False, slots=True)
class _Body:
    """Results that are published together, and what to call for each once the broker has confirmed them.

    `since` is when they were published first, on the loop's clock.
    """

    results: Sequence[Result]
    confirmed: Sequence[Callable[[], None]]
    outgoing: Outgoing
    since: float
    backoff: Backoff = field(default_factory=Backoff)


class ResultBuffer:
    """Results that are not confirmed yet. They are published in bodies of up to 200, each until it is confirmed.

    They are gathered for 30 ms, and no more than `most` of them: what is lost with the process is sent again.
    """

    def __init__(self, publisher: Publisher, most: int = MAX_RESULTS) -> None:
        self._publisher = publisher
        self._most = min(most, MAX_RESULTS)
        self._waiting: list[tuple[Result, Callable[[], None], str | None]] = []
        # In the order of their first publishing.
        self._bodies: dict[_Body, None] = {}
        self._unconfirmed = 0
        self._added = asyncio.Event()
        self._full = asyncio.Event()
        self._done = asyncio.Event()
        self.pulse = Pulse()
        self._repeats = logs.RepeatedCauses()

    @property
    def outstanding(self) -> int:
        """Results that the broker has not confirmed."""
        return len(self._waiting) + self._unconfirmed

    def behind(self, moment: float) -> float:
        """Returns for how many seconds the oldest body has been unconfirmed."""
        for body in self._bodies:
            return moment - body.since
        return 0.0

    def add(self, result: Result, confirmed: Callable[[], None], traceparent: str | None = None) -> None:
        """Adds a result. It is published within milliseconds, together with others."""
        self._waiting.append((result, confirmed, traceparent))
        self._added.set()
        if len(self._waiting) >= self._most:
            self._full.set()

    async def run(self) -> None:
        """Publishes what is added, until cancelled."""
        while True:
            await self._added.wait()
            await sleep_unless(self._full, LINGER_SECONDS)
            self._send_waiting()

    async def flush(self, seconds: float) -> None:
        """Publishes what is left at shutdown, for `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                while self.outstanding:
                    self._send_waiting()
                    self._done.clear()
                    await self._done.wait()
        except TimeoutError:
            # Their claims become stale, and the messages are sent again: duplicates that the design accepts.
            for ids in logs.in_lines([result.message_id for result in self._left()]):
                log.error("results lost at shutdown", results=len(ids), message_ids=ids)

    def _left(self) -> list[Result]:
        return [result for body in self._bodies for result in body.results] + [result for result, *_ in self._waiting]

    def _send_waiting(self) -> None:
        # After an error of Herald's, what was not published is still there.
        while self._waiting:
            some = self._waiting[:MAX_RESULTS]
            results, confirmed = [result for result, *_ in some], [one for _, one, _ in some]
            headers = tracing.join_traceparents((place, one[2]) for place, one in enumerate(some))
            outgoing = Outgoing(topology.RESULTS, topology.RESULT_KEY, encode(Results(results=results)), headers)
            body = _Body(results, confirmed, outgoing, asyncio.get_running_loop().time())
            failpoints.reach("dispatcher.result_unpublished")
            self._publish(body)
            del self._waiting[: len(some)]
            self._bodies[body] = None
            self._unconfirmed += len(some)
        self._added.clear()
        self._full.clear()

    def _publish(self, body: _Body) -> None:
        self.pulse.beat()
        self._publisher.publish_soon(body.outgoing, partial(self._settle, body))

    def _settle(self, body: _Body, error: Unpublished | None) -> None:
        """Acknowledges the jobs of a body, or publishes it again after a pause."""
        if error is not None:
            if times := self._repeats.count(str(error)):
                log.warning("results not confirmed", results=len(body.results), detail=str(error), times=times)
            asyncio.get_running_loop().call_later(body.backoff.next(), self._publish, body)
            return
        failpoints.reach("dispatcher.result_published")
        self._bodies.pop(body, None)
        self._unconfirmed -= len(body.results)
        _log_published(body.results)
        for confirmed in body.confirmed:
            try:
                confirmed()
            except Exception as fault:
                log.error("job not acknowledged", exc_info=fault)
        if not self.outstanding:
            self.pulse.rest()
        self._done.set()


def _log_published(results: Sequence[Result]) -> None:
    message_ids = [result.message_id for result in results]
    mailing_ids = sorted({result.mailing_id for result in results})
    log.info("results published", message_ids=message_ids, mailing_ids=mailing_ids)
