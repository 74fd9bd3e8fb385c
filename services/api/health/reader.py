"""Reads the health of the whole, at most once a second in this process, and the overview every few seconds."""

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from services.api.health import store
from services.api.health.attention import FAILED_SHARE, attend
from services.api.health.recent import Recent
from services.api.health.responses import HealthShown, Overview
from services.api.mailings import store as mailings
from services.api.mailings.activity.judge import judge_overall
from services.api.mailings.activity.speed import measured_since
from shared import topology
from shared.broker import Depth, Unpublished
from shared.database import Pool

HEALTH_SECONDS = 1.0
# As often as the planner asks the broker.
DEPTHS_SECONDS = 5.0
OVERVIEW_SECONDS = 5.0


class QueueReader(Protocol):
    """The broker, as far as the health needs it."""

    async def read_depths(self, queues: Sequence[str]) -> dict[str, Depth]:
        """Raises Unpublished while the broker is away."""
        ...


class HealthReader:
    """Reads the health and the overview for all who look at them. Without a broker, it counts as away."""

    def __init__(self, broker: QueueReader | None) -> None:
        self._broker = broker
        self._health = Recent[HealthShown](HEALTH_SECONDS)
        self._letters = Recent[int | None](DEPTHS_SECONDS)
        self._overview = Recent[Overview](OVERVIEW_SECONDS)

    async def health(self, pool: Pool) -> HealthShown:
        return await self._health.get(lambda: self._read_health(pool))

    async def overview(self, pool: Pool) -> Overview:
        return await self._overview.get(lambda: self._read_overview(pool))

    async def _read_health(self, pool: Pool) -> HealthShown:
        sending, flow = await mailings.read_sending(pool), await store.read_flow(pool)
        letters = await self._letters.get(self._count_letters)
        seconds = max((flow.now - measured_since(flow.now)).total_seconds(), 1.0)
        return HealthShown(
            at=flow.now,
            activity=judge_overall(sending),
            dispatchers=sending.dispatchers,
            providers=list(sending.providers),
            broker="away" if letters is None else "up",
            running=flow.running,
            backlog=flow.backlog,
            rate=round(flow.final_of_late / seconds, 3),
            oldest_job_seconds=flow.oldest_job_seconds,
            dead_letters=letters,
        )

    async def _count_letters(self) -> int | None:
        """Counts what waits in the dead queues; None while the broker is away."""
        if self._broker is None:
            return None
        try:
            depths = await self._broker.read_depths(topology.DEAD_QUEUES)
        except Unpublished:
            return None
        return sum(depth.ready for depth in depths.values())

    async def _read_overview(self, pool: Pool) -> Overview:
        health = await self.health(pool)
        failing, active = await store.list_failing(pool, FAILED_SHARE), await mailings.list_ending(pool)
        return Overview(
            at=health.at,
            last_day=await store.list_periods(pool),
            attention=attend(health, failing, active),
            upcoming=await store.list_upcoming(pool),
        )


HEALTH_READER = web.AppKey("health_reader", HealthReader)
