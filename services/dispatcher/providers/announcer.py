"""Tells all dispatchers of a provider what this one learned, and the API how it does."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from services.dispatcher.providers import store
from services.dispatcher.providers.keeper import FleetKeeper
from services.dispatcher.providers.lane import SLOW_SECONDS, Lane
from services.dispatcher.providers.store import ProviderReport
from shared import logs
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.waiting import Backoff

LOOK_SECONDS = 0.25
REPORT_SECONDS = 5.0
# The leave to send during a trial outlasts a request by so much.
LEAVE_SECONDS = 5.0

log = logs.get()


class Announcer:
    """Writes to the tables what concerns all dispatchers: holds, the end of trials, and reports."""

    def __init__(
        self, pool: Pool, keeper: FleetKeeper, process: Callable[[], UUID], clock: Callable[[], float]
    ) -> None:
        self._pool = pool
        self._keeper = keeper
        self._process = process
        self._clock = clock
        self._holds: dict[str, timedelta | None] = {}
        self._recognised: set[str] = set()
        self._reported_at = float("-inf")
        self._ended: dict[str, int] = {}
        self._news = asyncio.Event()

    def announce(self, lane: Lane, retry_after: timedelta | None) -> None:
        """Has all dispatchers hold a provider for so long, or slow it for a while."""
        before = self._holds.get(lane.name)
        self._holds[lane.name] = max(before, retry_after) if before and retry_after else retry_after or before
        self._news.set()

    async def run(self) -> None:
        """Writes what there is until cancelled. While the database is away it waits, and only reports are lost."""
        backoff = Backoff()
        while True:
            try:
                await self._write()
                backoff.reset()
            except DATABASE_OUTAGES as error:
                log.debug("provider states not written", detail=describe(error))
                await asyncio.sleep(backoff.next())
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            self._news.clear()

    async def _write(self) -> None:
        for name, held in list(self._holds.items()):
            slowed = timedelta(seconds=SLOW_SECONDS) if held is None else None
            await store.hold(self._pool, name, held, slowed)
            if self._holds.get(name) == held:
                del self._holds[name]
        lanes = self._keeper.fleet.lanes.values()
        if self._keeper.named:
            for lane in lanes:
                await self._end_trial(lane)
        if self._clock() - self._reported_at >= REPORT_SECONDS:
            await self._report()

    async def _end_trial(self, lane: Lane) -> None:
        """Asks for the leave to send during a trial, or tells all that it is over."""
        fingerprint = lane.mapping.fingerprint
        if lane.trial:
            lasts = timedelta(seconds=lane.mapping.timeout + LEAVE_SECONDS)
            lane.leave = await store.take_trial(self._pool, lane.name, self._process(), lasts)
        elif fingerprint not in self._recognised:
            await store.recognise(self._pool, lane.name, fingerprint)
            self._recognised.add(fingerprint)

    async def _report(self) -> None:
        moment = self._clock()
        seconds = min(moment - self._reported_at, 60.0)
        reports = []
        for lane in self._keeper.fleet.lanes.values():
            ended = lane.ended - self._ended.get(lane.name, 0)
            self._ended[lane.name] = lane.ended
            reports.append(
                ProviderReport(
                    provider=lane.name,
                    breaker=lane.admission.state(moment),
                    reason=lane.reason,
                    in_flight=lane.under_way,
                    per_second=max(ended, 0) / seconds,
                    failing=lane.admission.failing,
                    test_mode=lane.mapping.test_mode(),
                )
            )
        await store.report(self._pool, self._process(), reports)
        self._reported_at = moment
