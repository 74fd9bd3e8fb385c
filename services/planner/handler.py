"""The hop of the planner: its endless tasks, and the events that wake them before their next poll."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from datetime import UTC, datetime
from functools import partial

from services.planner.closing.settler import Settler
from services.planner.fence import publish_fence
from services.planner.job_spans import write_event
from services.planner.metrics import Metrics
from services.planner.rejections import RejectionGuard
from services.planner.resend import resend_chunk
from services.planner.scheduler import Scheduler
from services.planner.set_aside import SetAside
from services.planner.store import client_counts, guests, lifecycle, windows
from services.planner.sweep import Sweeper
from services.planner.task_loop import repeat
from shared import logs, topology
from shared.broker import Delivery, Outgoing, Publisher, Unpublished
from shared.database import Pool
from shared.health import Pulse
from shared.messages import MailingEvent, Unreadable, decode
from shared.task_supervisor import TaskSupervisor

POLL_SECONDS = 0.5
CLOSING_SECONDS = 0.5
SWEEP_SECONDS = 5.0
GUARD_SECONDS = 2.0
FENCE_SECONDS, URGENT_FENCE_SECONDS = 5.0, 1.0
FLIGHTS_PER_WINDOW_PASS = 10_000
GUESTS_SECONDS, GUESTS_PER_CHUNK = 60.0, 1000
COUNTS_SECONDS, COUNTS_PER_CHUNK = 60.0, 50_000

log = logs.get()


class Handler:
    """The tasks of a planner. Each polls the tables; an event only wakes it earlier."""

    def __init__(
        self,
        pool: Pool,
        publisher: Publisher,
        scheduler: Scheduler,
        settler: Settler,
        sweeper: Sweeper,
        guard: RejectionGuard,
        metrics: Metrics,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._scheduler = scheduler
        self._settler = settler
        self._sweeper = sweeper
        self._guard = guard
        self._metrics = metrics
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        self._wake_lifecycle = asyncio.Event()
        self._wake_scheduler = asyncio.Event()
        self._wake_closing = asyncio.Event()
        self._wake_resends = asyncio.Event()
        self._wake_fence = asyncio.Event()
        self._resends = SetAside("resend", metrics, lambda: asyncio.get_running_loop().time())
        self._unpublished_fences = logs.RepeatedCauses()
        self._closing = False
        # One for each task that health watches, by the task's name.
        self.pulses: dict[str, Pulse] = defaultdict(Pulse)

    def enqueue(self, delivery: Delivery) -> None:
        """Adds a delivery. Runs in the connection's callback, which must not wait."""
        self._inbox.put_nowait(delivery)

    def tasks(self, supervisor: TaskSupervisor) -> list[Awaitable[None]]:
        """Makes the endless tasks, to be run side by side. One that fails is started again, and the others go on."""
        works = [
            ("lifecycle", self._move_lifecycle, self._wake_lifecycle),
            ("scheduler", self._scheduler.run_pass, self._wake_scheduler),
            ("closing", self._close_mailings, self._wake_closing),
            ("deleted clients", self._close_clients, asyncio.Event()),
            ("resends", self._resend, self._wake_resends),
            ("rejections", self._guard_rejections, asyncio.Event()),
            ("windows", self._recheck_windows, asyncio.Event()),
            ("guests", self._erase_guests, asyncio.Event()),
            ("client counts", self._sum_up_counts, asyncio.Event()),
            ("sweep", self._sweep, asyncio.Event()),
            ("fence", self._publish_fence, self._wake_fence),
        ]
        repeated = [
            supervisor.supervise(name, partial(repeat, name, work, wake, self.pulses[name]))
            for name, work, wake in works
        ]
        return [supervisor.supervise("events", partial(self._read_events, self.pulses["events"])), *repeated]

    async def _read_events(self, pulse: Pulse) -> None:
        while True:
            pulse.rest()
            delivery = await self._inbox.get()
            pulse.beat()
            try:
                await self._read_event(delivery)
            finally:
                # Whatever happens to it: an event is a hint, which may be lost.
                delivery.ack()

    async def _read_event(self, delivery: Delivery) -> None:
        try:
            event = decode(MailingEvent, delivery.body)
        except Unreadable as error:
            await self._dead_letter(delivery, str(error))
            return
        log.info("event received", event_name=event.event, mailing_id=event.mailing_id, request_id=event.request_id)
        write_event(delivery, event)
        for wake in (self._wake_lifecycle, self._wake_scheduler, self._wake_closing, self._wake_resends):
            wake.set()

    async def _dead_letter(self, delivery: Delivery, detail: str) -> None:
        """Publishes an unreadable event to the planner's dead queue: the events queue drops what is rejected."""
        log.error("body unreadable", queue=topology.PLANNER_MAILINGS, detail=detail)
        headers: dict[str, str | int] = {"reason": f"unreadable: {detail}", "at": datetime.now(UTC).isoformat()}
        try:
            await self._publisher.publish(Outgoing(topology.DEAD, topology.PLANNER_DEAD, delivery.body, headers))
        except Unpublished as error:
            log.warning("dead letter not published", detail=str(error))
        else:
            self._metrics.dead["unreadable"].inc()

    async def _move_lifecycle(self) -> float:
        """Starts mailings whose time has come, and finishes those whose messages are all final."""
        started, finished = await lifecycle.start_due(self._pool), await lifecycle.finish_done(self._pool)
        for mailing_id, request_id in started:
            log.info("mailing started", mailing_id=mailing_id, request_id=request_id)
            self._wake_scheduler.set()
        for mailing_id, request_id in finished:
            log.info("mailing finished", mailing_id=mailing_id, request_id=request_id)
        if max(len(started), len(finished)) == lifecycle.MAILINGS_PER_STEP:
            return 0.0
        ahead = await lifecycle.seconds_to_next_start(self._pool)
        return POLL_SECONDS if ahead is None else max(min(ahead, POLL_SECONDS), 0.01)

    async def _close_mailings(self) -> float:
        closing = await self._settler.close_mailings()
        if closing and not self._closing:
            self._wake_fence.set()
        self._closing = closing
        return CLOSING_SECONDS

    async def _close_clients(self) -> float:
        await self._settler.close_clients()
        await self._settler.close_opt_outs()
        return CLOSING_SECONDS

    async def _resend(self) -> float:
        if not await resend_chunk(self._pool, set_aside=self._resends):
            return POLL_SECONDS
        self._wake_scheduler.set()
        return 0.0

    async def _recheck_windows(self) -> float:
        rechecked = await windows.recheck_edited(self._pool, FLIGHTS_PER_WINDOW_PASS)
        return 0.0 if rechecked else POLL_SECONDS

    async def _erase_guests(self) -> float:
        return 0.0 if await guests.erase_chunk(self._pool, GUESTS_PER_CHUNK) else GUESTS_SECONDS

    async def _sum_up_counts(self) -> float:
        taken = await client_counts.sum_up(self._pool, COUNTS_PER_CHUNK)
        return 0.0 if taken == COUNTS_PER_CHUNK else COUNTS_SECONDS

    async def _sweep(self) -> float:
        await self._sweeper.sweep()
        return SWEEP_SECONDS

    async def _guard_rejections(self) -> float:
        await self._guard.pause_rejected()
        return GUARD_SECONDS

    async def _publish_fence(self) -> float:
        await publish_fence(self._pool, self._publisher, self._unpublished_fences)
        return URGENT_FENCE_SECONDS if self._closing else FENCE_SECONDS
