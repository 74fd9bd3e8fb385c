"""Decides which mailings are served next: all that have work take turns, those served longest ago first."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.planner.expansion import expand_leased
from services.planner.flow_control import SHORTEST_PAUSE, FlowControl
from services.planner.metrics import Metrics
from services.planner.release import ReleaseOrder, release_batch
from services.planner.set_aside import SetAside, fails_on_data
from services.planner.store import leases, releases
from services.planner.store.leases import Lease
from shared.broker import Publisher
from shared.database import Pool

# Thousands of small mailings share the statements of a batch.
MAILINGS_PER_BATCH = 256
MESSAGES_PER_CHUNK = 1000
# A chunk smaller than this costs more in statements than it gains in evenness.
LEAST_CHUNK = 50
# Room is used once it is this part of the target, about a second of sending: small batches cost as much as large ones.
USEFUL_PART = 8
# This many messages of every mailing may be in flight without room, so that other mailings cannot shut it out.
GUARANTEED = 20
IDLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Capacity:
    """The number of messages that may be released now.

    `room`: how many of all mailings together. `in_flight`: how many of each mailing are in flight. `guaranteed`: how
    many of each mailing may be in flight without room. `pause`: in how many seconds there may be more room.
    """

    room: int
    in_flight: Mapping[int, int]
    guaranteed: int
    pause: float = SHORTEST_PAUSE

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

    def shares(self, mailing_ids: Sequence[int]) -> dict[int, int]:
        """Returns how many messages each of these mailings may release, without those that may release none."""
        given, room = dict[int, int](), self.room
        for place, mailing_id in enumerate(mailing_ids):
            share = self.share(mailing_id, room, len(mailing_ids) - place)
            if share > 0:
                given[mailing_id] = share
                room = max(room - share, 0)
        return given

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
        self._set_aside = SetAside("mailing", metrics, lambda: asyncio.get_running_loop().time())

    async def run_pass(self) -> float:
        """Serves many mailings once each, and returns how many seconds to wait before the next pass."""
        capacity = await self._read_capacity()
        leased = await leases.acquire(
            self._pool,
            self._owner,
            release=capacity.open,
            most=MAILINGS_PER_BATCH,
            passing_over=[*capacity.passed_over, *self._set_aside.passed_over],
        )
        if not leased:
            return IDLE_SECONDS if capacity.room > 0 else capacity.pause
        try:
            worked = await self._serve(leased, capacity)
        except asyncpg.PostgresError as error:
            if not fails_on_data(error):
                raise
            await self._serve_alone(leased, capacity)
            worked = True
        else:
            self._set_aside.succeed(lease.mailing_id for lease in leased)
        return 0.0 if worked else capacity.pause

    async def _serve_alone(self, leased: Sequence[Lease], capacity: Capacity) -> None:
        """Serves each mailing by itself, since the data of one failed for all. That one is set aside."""
        by_id = {lease.mailing_id: lease for lease in leased}

        async def serve(mailing_id: int) -> None:
            await self._serve([by_id[mailing_id]], capacity)

        await self._set_aside.try_each(list(by_id), serve)

    async def _serve(self, leased: Sequence[Lease], capacity: Capacity) -> bool:
        """Serves these mailings together, and ends their leases. Returns whether there was anything to do."""
        confirmed, mailing_ids = False, [lease.mailing_id for lease in leased]
        try:
            worked = await self._work(leased, capacity)
            confirmed = True
        finally:
            await leases.give_back(self._pool, self._owner, mailing_ids, confirmed=confirmed)
        return worked

    async def _work(self, leased: Sequence[Lease], capacity: Capacity) -> bool:
        unconfirmed = [lease.mailing_id for lease in leased if lease.unconfirmed]
        if unconfirmed:
            await releases.take_back_unconfirmed(self._pool, self._owner, unconfirmed)
        expanding = {lease.mailing_id: lease.request_id for lease in leased if lease.expanding}
        if expanding:
            expanded = await expand_leased(self._pool, self._owner, expanding)
            self._metrics.audience.inc(expanded.added)
            self._metrics.messages["cancelled"].inc(expanded.opted_out)
        shares = capacity.shares([lease.mailing_id for lease in leased])
        orders = {
            lease.mailing_id: ReleaseOrder(
                shares[lease.mailing_id], lease.fresh or lease.expanding, lease.request_id, lease.traceparent
            )
            for lease in leased
            if lease.mailing_id in shares
        }
        if not orders:
            return bool(expanding)
        released = await release_batch(self._pool, self._publisher, self._owner, orders)
        self._metrics.released.inc(released.published)
        self._metrics.set_aside["message"].inc(released.unknown_zones)
        return bool(expanding) or released.progressed

    async def _read_capacity(self) -> Capacity:
        """Computes how many messages may be released now; none while the broker is away, or below a useful chunk."""
        seen = await releases.read_in_flight(self._pool)
        self._flow_control.observe(asyncio.get_running_loop().time(), seen.results, seen.claimed)
        total, target = sum(seen.by_mailing.values()), self._flow_control.target
        self._metrics.in_flight.set(total)
        self._metrics.target.set(target)
        room = target - total
        connected, useful = self._publisher.connected, max(LEAST_CHUNK, target // USEFUL_PART)
        return Capacity(
            room=room if connected and room >= useful else 0,
            in_flight=seen.by_mailing,
            guaranteed=GUARANTEED if connected and total < 2 * self._flow_control.highest else 0,
            pause=self._flow_control.pause(useful - room),
        )
