"""Decides which mailing is served next: all that have work take turns, the one served longest ago first."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from structlog.contextvars import bound_contextvars

from services.planner.expansion import expand_leased
from services.planner.flow_control import FlowControl
from services.planner.metrics import Metrics
from services.planner.release import release_chunk
from services.planner.store import leases, releases
from services.planner.store.leases import Lease
from shared.broker import Publisher
from shared.database import Pool

MAILINGS_PER_PASS = 8
MESSAGES_PER_CHUNK = 500
# A chunk smaller than this costs more in transactions than it gains in evenness.
LEAST_CHUNK = 50
# This many messages of every mailing may be in flight without room, so that other mailings cannot shut it out.
GUARANTEED = 20
IDLE_SECONDS, FULL_SECONDS = 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Capacity:
    """The number of messages that may be released now.

    `room`: how many of all mailings together. `in_flight`: how many of each mailing are in flight. `guaranteed`: how
    many of each mailing may be in flight without room.
    """

    room: int
    in_flight: Mapping[int, int]
    guaranteed: int

    @property
    def open(self) -> bool:
        """Returns whether anything may be released."""
        return self.room > 0 or self.guaranteed > 0

    @property
    def passed_over(self) -> list[int]:
        """The mailings that release nothing in this pass: without room, those that have their guaranteed number."""
        if self.room > 0:
            return []
        return [mailing_id for mailing_id, count in self.in_flight.items() if count >= self.guaranteed]

    def share(self, mailing_id: int, room: int, sharers: int) -> int:
        """Returns how many messages a mailing may release, when `sharers` mailings share the `room` that is left."""
        fair = min(MESSAGES_PER_CHUNK, max(room // sharers, min(room, LEAST_CHUNK)))
        return max(fair, self.guaranteed - self.in_flight.get(mailing_id, 0))


class Scheduler:
    """The scheduler of one planner: it leases mailings that have work, and expands and releases a chunk of each."""

    def __init__(
        self, pool: Pool, publisher: Publisher, owner: UUID, flow_control: FlowControl, metrics: Metrics
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._owner = owner
        self._flow_control = flow_control
        self._metrics = metrics

    async def run_pass(self) -> float:
        """Serves up to eight mailings once each, and returns how many seconds to wait before the next pass."""
        capacity = await self._read_capacity()
        leased = await leases.acquire(
            self._pool, self._owner, release=capacity.open, most=MAILINGS_PER_PASS, passing_over=capacity.passed_over
        )
        if not leased:
            return IDLE_SECONDS if capacity.room > 0 else FULL_SECONDS
        try:
            worked = await self._serve(leased, capacity)
        finally:
            await leases.give_back(self._pool, self._owner, [lease.mailing_id for lease in leased])
        return 0.0 if worked else FULL_SECONDS

    async def _serve(self, leased: list[Lease], capacity: Capacity) -> bool:
        worked, room = False, capacity.room
        for place, lease in enumerate(leased):
            with bound_contextvars(request_id=lease.request_id):
                if lease.expanding:
                    self._metrics.audience.inc(await expand_leased(self._pool, self._owner, lease.mailing_id))
                    worked = True
                share = capacity.share(lease.mailing_id, room, len(leased) - place)
                if share > 0:
                    chunk = await release_chunk(self._pool, self._publisher, self._owner, lease.mailing_id, share)
                    self._metrics.released.inc(chunk.published)
                    room = max(room - chunk.published, 0)
                    worked = worked or chunk.progressed
        return worked

    async def _read_capacity(self) -> Capacity:
        """Computes how many messages may be released now; none while the broker is away, or below a useful chunk."""
        in_flight, results = await releases.read_in_flight(self._pool)
        self._flow_control.observe(asyncio.get_running_loop().time(), results)
        total = sum(in_flight.values())
        target = self._flow_control.target
        self._metrics.in_flight.set(total)
        self._metrics.target.set(target)
        room = target - total
        connected = self._publisher.connected
        return Capacity(
            room=room if connected and room >= LEAST_CHUNK else 0,
            in_flight=in_flight,
            guaranteed=GUARANTEED if connected and total < 2 * self._flow_control.highest else 0,
        )
