"""Rounds over the mailings that have work: each expands and releases one chunk, the oldest served first."""

import asyncio
from uuid import UUID

from services.planner.expansion import expand
from services.planner.pace import Pace
from services.planner.release import release
from services.planner.store import releases, turns
from services.planner.store.turns import Turn
from shared import logs
from shared.broker import Publisher
from shared.database import Pool

MAILINGS_PER_ROUND = 8
MESSAGES_PER_CHUNK = 500
# A chunk smaller than this costs more in transactions than it gains in evenness.
LEAST_CHUNK = 50
IDLE_SECONDS, FULL_SECONDS = 0.5, 0.05

log = logs.get()


class Rounds:
    """One planner's turns at the mailings. Several planners share them through leases."""

    def __init__(self, pool: Pool, publisher: Publisher, owner: UUID, pace: Pace) -> None:
        self._pool, self._publisher, self._owner, self._pace = pool, publisher, owner, pace

    async def next(self) -> float:
        """Do one round, and return how many seconds to wait before the next."""
        room = await self._room()
        leased = await turns.lease(self._pool, self._owner, release=room > 0, most=MAILINGS_PER_ROUND)
        if not leased:
            return IDLE_SECONDS if room > 0 else FULL_SECONDS
        try:
            worked = await self._serve(leased, room)
        finally:
            await turns.give_back(self._pool, self._owner, [turn.mailing_id for turn in leased])
        return 0.0 if worked else FULL_SECONDS

    async def _serve(self, leased: list[Turn], room: int) -> bool:
        worked = False
        for place, turn in enumerate(leased):
            if turn.expanding:
                await expand(self._pool, self._owner, turn.mailing_id)
                worked = True
            share = min(MESSAGES_PER_CHUNK, max(room // (len(leased) - place), min(room, LEAST_CHUNK)))
            if share > 0:
                released = await release(self._pool, self._publisher, self._owner, turn.mailing_id, share)
                self._tell(turn, released.published)
                room -= released.published
                worked = worked or released.moved_on
        return worked

    async def _room(self) -> int:
        """Say how many messages may be released now; none while the broker is away, or below a useful chunk."""
        in_flight, results = await releases.read_load(self._pool)
        self._pace.observe(asyncio.get_running_loop().time(), results)
        room = self._pace.target - in_flight
        return room if self._publisher.connected and room >= LEAST_CHUNK else 0

    def _tell(self, turn: Turn, released: int) -> None:
        if released:
            log.info("messages released", mailing_id=turn.mailing_id, messages=released, request_id=turn.request_id)
