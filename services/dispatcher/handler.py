"""The hop of the dispatcher: claims what it may begin, and pauses while nothing can be sent."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal

from services.dispatcher.admission.hold_up import AwayCause, HoldUp
from services.dispatcher.attempts import RunningAttempts
from services.dispatcher.claimer import Claimer
from services.dispatcher.claims.heartbeat import Heartbeat
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.intake import Intake
from services.dispatcher.providers.fleet import Fleet
from services.dispatcher.requeue import Requeue
from services.dispatcher.result_buffer import ResultBuffer
from shared import logs
from shared.broker import Consumer
from shared.database import describe
from shared.health import Pulse
from shared.waiting import sleep_unless

# Results unconfirmed for longer mean that the broker is in trouble: nothing more is claimed.
CONFIRM_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 0.02
LINGER_SECONDS = 0.01
# For attempts that were cancelled at shutdown to publish what follows from that.
CANCELLED_SECONDS = 2

PauseCause = AwayCause | Literal["database"]
REASONS: Mapping[PauseCause, str] = {
    "breaker": "breaker open",
    "held": "provider held",
    "drained": "provider drained",
    "database": "claim failed",
}

log = logs.get()


class Handler:
    """The loop that has the jobs of the intake claimed, as many as may begin."""

    def __init__(
        self,
        intake: Intake,
        requeue: Requeue,
        claimer: Claimer,
        attempts: RunningAttempts,
        results: ResultBuffer,
        fleet: Callable[[], Fleet],
        held: HeldClaims,
        heartbeat: Heartbeat,
        hold_up: HoldUp,
        *,
        concurrency: int,
        clock: Callable[[], float],
    ) -> None:
        self._intake = intake
        self._requeue = requeue
        self._claimer = claimer
        self._attempts = attempts
        self._results = results
        self._fleet = fleet
        self._held = held
        self._heartbeat = heartbeat
        self._hold_up = hold_up
        self._concurrency = concurrency
        self._clock = clock
        self.pulse = Pulse()

    @property
    def in_flight(self) -> int:
        """RunningAttempts under way."""
        return self._attempts.under_way

    @property
    def asked(self) -> int:
        """Jobs whose claim is on its way."""
        return self._claimer.reserved

    async def run(self, consumer: Consumer, stop: asyncio.Event) -> None:
        """Claims and sends until `stop`; pauses while the provider or the database is down."""
        while not stop.is_set():
            self.pulse.beat()
            moment = self._clock()
            away = self._fleet().away(moment)
            if away > 0:
                await self._pause(consumer, away, stop, self._fleet().why_away(moment))
                continue
            failed = self._claimer.take_failure()
            if failed is not None:
                await self._pause(consumer, self._claimer.backoff.next(), stop, "database", describe(failed))
                continue
            await self._step()

    async def finish(self, seconds: float) -> None:
        """Lets the running attempts end at shutdown, then cancels them; each still leaves its result.

        What has not begun by then does not begin any more.
        """
        self._attempts.refuse_new()
        await self._claimer.wait(seconds)
        await self._attempts.wait(seconds)
        self._attempts.cancel()
        await self._attempts.wait(CANCELLED_SECONDS)

    async def _step(self) -> None:
        """Claims one batch, as large as there are free slots, or waits a moment for slots or for jobs."""
        self._attempts.start_waiting(self._clock())
        self._intake.reject_unreadable()
        self._intake.forget_dead()
        await self._requeue.send_round(self._intake.take_set_aside())
        if not self._intake.held:
            await _wait(self._intake.arrived)
            return
        slots = await self._gather_slots()
        if slots <= 0:
            await _wait(self._attempts.freed)
            return
        self._claimer.ask(self._intake.next_batch(slots))

    async def _gather_slots(self) -> int:
        """Waits a moment for a quarter of the slots: one claim for many jobs costs little more than for one."""
        until = self._clock() + LINGER_SECONDS
        while (slots := self._room()) < min(self._intake.held, self._concurrency // 4):
            left = until - self._clock()
            if left <= 0:
                break
            await _wait(self._attempts.freed, left)
        return slots

    def _room(self) -> int:
        """Returns how many requests may be claimed for now, and notes what allows none."""
        moment = self._clock()
        if not self._held.may_ask():
            self._hold_up.note("lease")
            return 0
        behind = self._results.behind(asyncio.get_running_loop().time())
        if behind > CONFIRM_SECONDS or self._results.outstanding >= 2 * self._concurrency:
            self._hold_up.note("broker")
            return 0
        if not self._claimer.may_ask(moment):
            return 0
        reserved, attempts, fleet = self._claimer.reserved, self._attempts, self._fleet()
        slots = self._concurrency - attempts.under_way + fleet.ahead(moment)
        slots = min(slots, attempts.size.limit - len(self._held)) - reserved
        if slots <= 0:
            return slots
        room = fleet.room(moment) - reserved
        if room <= 0 and fleet.at_its_rate:
            self._hold_up.note("rate")
        return min(slots, room)

    async def _pause(
        self, consumer: Consumer, seconds: float, stop: asyncio.Event, cause: PauseCause, detail: str | None = None
    ) -> None:
        """Stops consuming, returns unstarted jobs to the broker, waits, and consumes again.

        Deliveries are not held meanwhile: the broker takes them back after 30 minutes, and closes the channel.
        """
        self._hold_up.note(cause)
        reason, unstarted = REASONS[cause], self._intake.held
        log.warning("consuming paused", reason=reason, detail=detail, seconds=round(seconds, 1), unstarted=unstarted)
        self._heartbeat.sending = False
        await consumer.pause()
        self.pulse.beat()
        await self._requeue.send_back(self._intake.drain())
        await self._sit_out(seconds, stop, cause)
        if not stop.is_set():
            await consumer.resume()
            self._heartbeat.sending = True
            log.info("consuming resumed")

    async def _sit_out(self, seconds: float, stop: asyncio.Event, cause: PauseCause) -> None:
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 and not stop.is_set():
            self._hold_up.note(cause)
            await sleep_unless(stop, min(left, 1.0))


async def _wait(event: asyncio.Event, seconds: float = LOOK_AGAIN_SECONDS) -> None:
    """Waits for the event, but not for long: not everything that frees a slot sets it."""
    await sleep_unless(event, seconds)
    event.clear()
