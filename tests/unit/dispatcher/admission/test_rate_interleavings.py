"""Dispatchers that are stopped, killed, slow or behind a database whose clock is set never exceed one rate together."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.dispatcher.admission.rate_limit import RateGrant, RateLimit
from services.dispatcher.admission.rate_shares import HeldLease, RateWish, settle
from services.dispatcher.admission.seen_leases import LeaseAge, SeenLeases
from services.dispatcher.claims.lease import LEASE_SECONDS as SENDING_SECONDS
from services.dispatcher.providers.leaser import terms_of
from tests.support.fakes import FakeClock

RATE, STEP, SECONDS = 20, 0.01, 120.0
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Table:
    """The leases in the database, whose clock is `ahead` of the true one."""

    clock: FakeClock
    ahead: float = 0.0
    rows: dict[UUID, tuple[HeldLease, datetime]] = field(default_factory=dict)

    def exchange(self, process: UUID, held: int, wish: RateWish, total: int, seen: SeenLeases) -> tuple[int, int]:
        now = START + timedelta(seconds=self.clock() + self.ahead)
        ages = {
            name: LeaseAge(renewed_at, (now - renewed_at).total_seconds())
            for name, (_, renewed_at) in self.rows.items()
            if name != process
        }
        for name in seen.gone("smsc", ages, terms_of(1.0)):
            del self.rows[name]
        leases = {name: lease for name, (lease, _) in self.rows.items()}
        tokens, target = settle(process, held, wish, leases, total, int(self.clock() / 2))
        self.rows[process] = HeldLease(tokens, wish), now
        return tokens, target


@dataclass
class Dispatcher:
    """A dispatcher with endless work. What it began goes out a moment later, unless it is stopped in between."""

    name: UUID
    clock: FakeClock
    table: Table
    draw: random.Random

    def __post_init__(self) -> None:
        self.limit = RateLimit(RATE, self.clock)
        self.seen = SeenLeases(self.clock)
        self.renew_at = 0.0
        self.stopped_until = 0.0
        self.begun: list[tuple[float, RateGrant]] = []
        self.open: list[tuple[float, RateGrant]] = []
        self.answer: tuple[float, tuple[int, int], float] | None = None
        self.arrivals: list[float] = []

    def turn(self, slowest: float) -> None:
        moment = self.clock()
        if moment < self.stopped_until:
            return
        self._write(moment)
        for reply in [one for one in self.open if one[0] <= moment]:
            self.open.remove(reply)
            self.limit.done(reply[1])
        self._renew(moment, slowest)
        while self.limit.fits(1):
            self.begun.append((moment, self.limit.take(1)))

    def _write(self, moment: float) -> None:
        """Writes what was begun in the last turn, or takes it back if the lease of claims was over meanwhile."""
        for began, grant in self.begun:
            if moment - began > SENDING_SECONDS:
                self.limit.put_back(grant)
                continue
            grant.begin(moment)
            seconds = 0.01 + self.draw.expovariate(100) + (self.draw.random() < 0.02) * self.draw.uniform(0, 3)
            self.arrivals.append(moment + self.draw.uniform(0.002, seconds - 0.002))
            self.open.append((moment + seconds, grant))
        self.begun.clear()

    def _renew(self, moment: float, slowest: float) -> None:
        if self.answer is not None and moment >= self.answer[0]:
            (_, (tokens, target), asked_at), self.answer = self.answer, None
            # Some answers are lost: the table has what the dispatcher does not know of.
            if self.draw.random() > 0.05:
                self.limit.lease(tokens, target, asked_at)
        if self.answer is None and moment >= self.renew_at:
            wanted, need = self.limit.wish(1)
            kept = self.limit.give_back()
            found = self.table.exchange(self.name, kept, RateWish(wanted, need), self.limit.total, self.seen)
            self.answer = moment + self.draw.uniform(0, slowest), found, moment
            self.renew_at = moment + 0.5


def most_in_a_second(arrivals: list[float]) -> int:
    arrivals = sorted(arrivals)
    first = most = 0
    for place, moment in enumerate(arrivals):
        while moment - arrivals[first] >= 1:
            first += 1
        most = max(most, place - first + 1)
    return most


@pytest.mark.parametrize("seed", range(6))
def test_no_second_has_more_than_the_rate_whatever_befalls_the_dispatchers(seed: int) -> None:
    draw = random.Random(seed)
    clock = FakeClock(0.0)
    table = Table(clock)
    dispatchers = [Dispatcher(UUID(int=number), clock, table, draw) for number in range(3)]
    gone: list[Dispatcher] = []
    for step in range(int(SECONDS / STEP)):
        clock.move_to(step * STEP)
        chance = draw.random()
        victim = draw.choice(dispatchers)
        if chance < 0.001:
            victim.stopped_until = clock() + draw.choice([0.3, 3.0, 7.0, 12.0])
        elif chance < 0.0015:
            dispatchers.remove(victim)
            gone.append(victim)
            dispatchers.append(Dispatcher(UUID(int=1000 + step), clock, table, draw))
        elif chance < 0.002:
            table.ahead += draw.choice([-3600.0, -7.0, 7.0, 45.0])
        for dispatcher in dispatchers:
            dispatcher.turn(2.0 if seed % 2 else 0.02)
    arrivals = [moment for one in [*dispatchers, *gone] for moment in one.arrivals]
    assert most_in_a_second(arrivals) <= RATE
    # It is no vacuous limit: under all of that a good part of the rate is used.
    assert len(arrivals) > 0.4 * RATE * SECONDS
