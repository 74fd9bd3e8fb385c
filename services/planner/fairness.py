"""Rounds over the mailings that have work: each expands and releases one chunk, the oldest served first."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from structlog.contextvars import bound_contextvars

from services.planner.expansion import expand_turn
from services.planner.flow_control import Pace
from services.planner.metrics import Meters
from services.planner.release import release
from services.planner.store import leases, releases
from services.planner.store.leases import Turn
from shared.broker import Publisher
from shared.database import Pool

MAILINGS_PER_ROUND = 8
MESSAGES_PER_CHUNK = 500
# A chunk smaller than this costs more in transactions than it gains in evenness.
LEAST_CHUNK = 50
# Every mailing may have so many in flight, however full it is: those of others, and retries, must not shut it out.
GUARANTEED = 20
IDLE_SECONDS, FULL_SECONDS = 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Load:
    """How much there is room for, how many messages of each mailing are in flight, and how many each may have."""

    room: int
    in_flight: Mapping[int, int]
    guaranteed: int

    @property
    def open(self) -> bool:
        """Returns whether anything may be released."""
        return self.room > 0 or self.guaranteed > 0

    @property
    def passed_over(self) -> list[int]:
        """The mailings that get nothing in this round: without room, those that have what is guaranteed."""
        if self.room > 0:
            return []
        return [mailing_id for mailing_id, count in self.in_flight.items() if count >= self.guaranteed]

    def share(self, mailing_id: int, room: int, sharers: int) -> int:
        """Returns how many messages a mailing may release, with so many left to share the room that is left."""
        fair = min(MESSAGES_PER_CHUNK, max(room // sharers, min(room, LEAST_CHUNK)))
        return max(fair, self.guaranteed - self.in_flight.get(mailing_id, 0))


class Rounds:
    """One planner's turns at the mailings. Several planners share them through leases."""

    def __init__(self, pool: Pool, publisher: Publisher, owner: UUID, pace: Pace, meters: Meters) -> None:
        self._pool, self._publisher, self._owner, self._pace = pool, publisher, owner, pace
        self._meters = meters

    async def next(self) -> float:
        """Does one round, and returns how many seconds to wait before the next."""
        load = await self._load()
        leased = await leases.lease(
            self._pool, self._owner, release=load.open, most=MAILINGS_PER_ROUND, passing_over=load.passed_over
        )
        if not leased:
            return IDLE_SECONDS if load.room > 0 else FULL_SECONDS
        try:
            worked = await self._serve(leased, load)
        finally:
            await leases.give_back(self._pool, self._owner, [turn.mailing_id for turn in leased])
        return 0.0 if worked else FULL_SECONDS

    async def _serve(self, leased: list[Turn], load: Load) -> bool:
        worked, room = False, load.room
        for place, turn in enumerate(leased):
            with bound_contextvars(request_id=turn.request_id):
                if turn.expanding:
                    self._meters.audience.inc(await expand_turn(self._pool, self._owner, turn.mailing_id))
                    worked = True
                share = load.share(turn.mailing_id, room, len(leased) - place)
                if share > 0:
                    released = await release(self._pool, self._publisher, self._owner, turn.mailing_id, share)
                    self._meters.released.inc(released.published)
                    room = max(room - released.published, 0)
                    worked = worked or released.moved_on
        return worked

    async def _load(self) -> Load:
        """Sees how many messages may be released now; none while the broker is away, or below a useful chunk."""
        in_flight, results = await releases.read_load(self._pool)
        self._pace.observe(asyncio.get_running_loop().time(), results)
        total = sum(in_flight.values())
        self._meters.in_flight.set(total)
        self._meters.target.set(self._pace.target)
        room = self._pace.target - total
        return Load(
            room=room if self._publisher.connected and room >= LEAST_CHUNK else 0,
            in_flight=in_flight,
            guaranteed=GUARANTEED if self._publisher.connected and total < 2 * self._pace.highest else 0,
        )
