"""The hop of the planner: an event is a hint to look at the tables now rather than at the next poll."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from services.planner.fairness import Rounds
from services.planner.metrics import Meters
from services.planner.resend import resend_chunk
from services.planner.settle import Settler
from services.planner.store import lifecycle, releases
from services.planner.sweep import Sweeper
from shared import logs, topology
from shared.broker import Delivery, Outgoing, Publisher, Unpublished
from shared.database import COLLISIONS, DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse
from shared.messages import MailingEvent, Unreadable, decode
from shared.waiting import Backoff

POLL_SECONDS = 0.5
CLOSING_SECONDS = 0.5
SWEEP_SECONDS = 5.0
FENCE_SECONDS, URGENT_FENCE_SECONDS = 5.0, 1.0
JUDGED_AT_ONCE = 10_000

log = logs.get()


class Handler:
    """The planner's endless tasks. Each looks at the tables by itself; events only wake them."""

    def __init__(
        self, pool: Pool, publisher: Publisher, rounds: Rounds, settler: Settler, sweeper: Sweeper, meters: Meters
    ) -> None:
        self._pool, self._publisher, self._meters = pool, publisher, meters
        self._rounds, self._settler, self._sweeper = rounds, settler, sweeper
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        self._wake_lives, self._wake_rounds = asyncio.Event(), asyncio.Event()
        self._wake_closing, self._wake_fence = asyncio.Event(), asyncio.Event()
        self._wake_resends = asyncio.Event()
        self._closing = False
        # One for each task that health watches, by its name.
        self.pulses: dict[str, Pulse] = defaultdict(Pulse)

    def take(self, delivery: Delivery) -> None:
        self._inbox.put_nowait(delivery)

    def tasks(self) -> list[Awaitable[None]]:
        works = [
            ("lives", self._live, self._wake_lives),
            ("rounds", self._rounds.next, self._wake_rounds),
            ("closing", self._close, self._wake_closing),
            ("clients", self._close_clients, asyncio.Event()),
            ("resends", self._resend, self._wake_resends),
            ("windows", self._judge_windows, asyncio.Event()),
            ("sweep", self._sweep, asyncio.Event()),
            ("fence", self._publish_fence, self._wake_fence),
        ]
        repeated = [repeat(name, work, wake, self.pulses[name]) for name, work, wake in works]
        return [self._read_events(self.pulses["events"]), *repeated]

    async def _read_events(self, pulse: Pulse) -> None:
        while True:
            pulse.rest()
            delivery = await self._inbox.get()
            pulse.beat()
            try:
                event = decode(MailingEvent, delivery.body)
            except Unreadable as error:
                await self._bury(delivery, str(error))
                continue
            log.info("event received", event_name=event.event, mailing_id=event.mailing_id, request_id=event.request_id)
            for wake in (self._wake_lives, self._wake_rounds, self._wake_closing, self._wake_resends):
                wake.set()
            await delivery.ack()

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        """Moves an unreadable event to the planner's dead queue; the events queue itself drops what it refuses."""
        log.error("body unreadable", queue=topology.PLANNER_MAILINGS, detail=reason)
        headers: dict[str, str | int] = {"reason": f"unreadable: {reason}", "at": datetime.now(UTC).isoformat()}
        try:
            await self._publisher.publish(Outgoing(topology.DEAD, topology.PLANNER_DEAD, delivery.body, headers))
        except Unpublished as error:
            log.warning("dead letter not published", detail=str(error))
        else:
            self._meters.dead["unreadable"].inc()
        await delivery.ack()

    async def _live(self) -> float:
        for mailing_id, request_id in await lifecycle.start_due(self._pool):
            log.info("mailing started", mailing_id=mailing_id, request_id=request_id)
            self._wake_rounds.set()
        for mailing_id, request_id in await lifecycle.finish_done(self._pool):
            log.info("mailing finished", mailing_id=mailing_id, request_id=request_id)
        ahead = await lifecycle.seconds_to_next_start(self._pool)
        return POLL_SECONDS if ahead is None else max(min(ahead, POLL_SECONDS), 0.01)

    async def _close(self) -> float:
        closing = await self._settler.close_mailings()
        if closing and not self._closing:
            self._wake_fence.set()
        self._closing = closing
        return CLOSING_SECONDS

    async def _close_clients(self) -> float:
        await self._settler.close_clients()
        return CLOSING_SECONDS

    async def _resend(self) -> float:
        if not await resend_chunk(self._pool):
            return POLL_SECONDS
        self._wake_rounds.set()
        return 0.0

    async def _judge_windows(self) -> float:
        judged = await releases.judge_windows_anew(self._pool, JUDGED_AT_ONCE)
        return 0.0 if judged else POLL_SECONDS

    async def _sweep(self) -> float:
        await self._sweeper.sweep()
        return SWEEP_SECONDS

    async def _publish_fence(self) -> float:
        await self._sweeper.publish_fence()
        return URGENT_FENCE_SECONDS if self._closing else FENCE_SECONDS


async def repeat(name: str, work: Callable[[], Awaitable[float]], wake: asyncio.Event, pulse: Pulse) -> None:
    """Does `work` again and again, as many seconds apart as it says, or at once when woken. `pulse` beats each time.

    Waits out outages of the database; they are never a reason to end.
    """
    backoff = Backoff()
    while True:
        wake.clear()
        pulse.beat()
        try:
            pause = await work()
            backoff.reset()
        except (*DATABASE_OUTAGES, *COLLISIONS) as error:
            log.warning("planner put off", task=name, detail=describe(error))
            await asyncio.sleep(backoff.next())
            continue
        try:
            async with asyncio.timeout(pause):
                await wake.wait()
        except TimeoutError:
            continue
